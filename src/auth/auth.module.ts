import { Module } from '@nestjs/common';
import { AnonymousAuthenticator, Authenticator } from './authenticator.js';
import { Policy, RolePolicy } from './policy.js';

@Module({
  providers: [
    { provide: Authenticator, useClass: AnonymousAuthenticator },
    { provide: Policy, useClass: RolePolicy },
  ],
  exports: [Authenticator, Policy],
})
export class AuthModule {}
