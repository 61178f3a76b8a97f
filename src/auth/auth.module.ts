import { Module } from '@nestjs/common';
import { AnonymousAuthenticator, Authenticator } from './authenticator.js';
import { CredentialWatch } from './credential-watch.js';
import { Policy, RolePolicy } from './policy.js';

@Module({
  providers: [
    CredentialWatch,
    { provide: Authenticator, useClass: AnonymousAuthenticator },
    { provide: Policy, useClass: RolePolicy },
  ],
  exports: [Authenticator, CredentialWatch, Policy],
})
export class AuthModule {}
