import { Module } from '@nestjs/common';
import { AuditModule, SecurityLog } from '../audit/index.js';
import { Clock } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { LimitsModule } from '../limits/index.js';
import { DurableStore } from '../store/index.js';
import { AuthFailures } from './auth-failures.js';
import { AuthUpkeep } from './auth-upkeep.js';
import { Authenticator } from './authenticator.js';
import { LocalAdmin } from './authenticators/local-admin.js';
import { ChainAuthenticator } from './chain-authenticator.js';
import { CredentialChecks } from './credential-checks.js';
import { CredentialWatch } from './credential-watch.js';
import { ApiKeys } from './keys/api-keys.js';
import { KeyRing } from './keys/key-ring.js';
import { KeyUsage } from './keys/key-usage.js';
import { Policy, RolePolicy } from './policy.js';
import { Revocations } from './revocations.js';

/** Needs AppConfig, Clock and the store ports from global modules. */
@Module({
  imports: [AuditModule, LimitsModule],
  providers: [
    ApiKeys,
    AuthFailures,
    AuthUpkeep,
    ChainAuthenticator,
    CredentialWatch,
    LocalAdmin,
    {
      provide: KeyUsage,
      inject: [DurableStore, Clock],
      useFactory: (store: DurableStore, clock: Clock) => KeyUsage.load(store, clock),
    },
    {
      provide: KeyRing,
      inject: [AppConfig, DurableStore, Clock, KeyUsage],
      useFactory: async ({ auth }: AppConfig, store: DurableStore, clock: Clock, usage: KeyUsage) =>
        KeyRing.load({ store, clock, usage, setting: auth.apiKeys }),
    },
    {
      provide: Revocations,
      inject: [DurableStore, Clock, SecurityLog],
      useFactory: (store: DurableStore, clock: Clock, security: SecurityLog) =>
        Revocations.load({ store, clock, security }),
    },
    {
      provide: CredentialChecks,
      inject: [AppConfig, Clock, LocalAdmin, KeyRing],
      useFactory: (config: AppConfig, clock: Clock, local: LocalAdmin, ring: KeyRing) =>
        CredentialChecks.load(config, clock, local, ring),
    },
    { provide: Authenticator, useExisting: ChainAuthenticator },
    { provide: Policy, useClass: RolePolicy },
  ],
  exports: [ApiKeys, Authenticator, CredentialWatch, LocalAdmin, Policy, Revocations],
})
export class AuthModule {}
