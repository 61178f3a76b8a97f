import { Module } from '@nestjs/common';
import { AnonymousAuthenticator, Authenticator } from './authenticator.js';
import { CredentialWatch } from './credential-watch.js';
import { RouteAccess } from './guards/route-access.js';
import { Policy, RolePolicy } from './policy.js';

@Module({
  providers: [
    CredentialWatch,
    RouteAccess,
    { provide: Authenticator, useClass: AnonymousAuthenticator },
    { provide: Policy, useClass: RolePolicy },
  ],
  exports: [Authenticator, CredentialWatch, Policy, RouteAccess],
})
export class AuthModule {}
