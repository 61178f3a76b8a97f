import { Module } from '@nestjs/common';
import { AuditModule, SecurityLog } from '../audit/index.js';
import { Clock } from '../common/index.js';
import { AppConfig, ConfigReload } from '../config/index.js';
import { LimitsModule, RateRules } from '../limits/index.js';
import { DurableStore, StoreBackend } from '../store/index.js';
import { AuthFailures } from './auth-failures.js';
import { AuthUpkeep } from './auth-upkeep.js';
import { Authenticator } from './authenticator.js';
import { LocalAdmin } from './authenticators/local-admin.js';
import { ChainAuthenticator } from './chain-authenticator.js';
import { CredentialChecks } from './credential-checks.js';
import { CredentialPrincipals } from './credential-principals.js';
import { CredentialWatch } from './credential-watch.js';
import { RequestCredentials } from './guards/request-credentials.js';
import { RouteAccess } from './guards/route-access.js';
import { IncidentBoard } from './incidents/incident-board.js';
import { Incidents } from './incidents/incidents.js';
import { ApiKeys } from './keys/api-keys.js';
import { KeyRing } from './keys/key-ring.js';
import { KeyUsage } from './keys/key-usage.js';
import { KnownPrincipals } from './known-principals.js';
import { Policy } from './policy.js';
import { Revocations } from './revocations.js';
import { LiveRoles } from './roles/live-roles.js';
import { Permissions } from './roles/permissions.js';
import { RolePolicy } from './roles/role-policy.js';

/** What is read from files and from the store before anybody is let in. */
const LOADED = [
  {
    provide: LiveRoles,
    inject: [AppConfig, ConfigReload],
    useFactory: async (config: AppConfig, reloads: ConfigReload): Promise<LiveRoles> => {
      const roles = await LiveRoles.open(config);
      reloads.join(roles);
      return roles;
    },
  },
  {
    provide: KeyUsage,
    inject: [DurableStore, Clock],
    useFactory: (store: DurableStore, clock: Clock) => KeyUsage.load(store, clock),
  },
  {
    provide: KeyRing,
    inject: [AppConfig, StoreBackend, Clock, KeyUsage],
    useFactory: ({ auth }: AppConfig, { durable: store, bus }: StoreBackend, clock: Clock, usage: KeyUsage) =>
      KeyRing.load({ store, bus, clock, usage, setting: auth.apiKeys }),
  },
  {
    provide: Revocations,
    inject: [StoreBackend, Clock, SecurityLog],
    useFactory: ({ durable: store, bus }: StoreBackend, clock: Clock, security: SecurityLog) =>
      Revocations.load({ store, bus, clock, security }),
  },
  {
    provide: CredentialChecks,
    inject: [AppConfig, Clock, LocalAdmin, KeyRing],
    useFactory: (config: AppConfig, clock: Clock, local: LocalAdmin, ring: KeyRing) =>
      CredentialChecks.load(config, clock, local, ring),
  },
];

/** Needs AppConfig, ConfigReload, Clock and the store ports from global modules. */
@Module({
  imports: [AuditModule, LimitsModule],
  providers: [
    ...LOADED,
    ApiKeys,
    AuthFailures,
    AuthUpkeep,
    ChainAuthenticator,
    CredentialWatch,
    IncidentBoard,
    Incidents,
    LocalAdmin,
    Permissions,
    RequestCredentials,
    RouteAccess,
    { provide: Authenticator, useExisting: ChainAuthenticator },
    { provide: KnownPrincipals, useClass: CredentialPrincipals },
    { provide: Policy, useClass: RolePolicy },
  ],
  exports: [
    ApiKeys,
    Authenticator,
    CredentialWatch,
    IncidentBoard,
    Incidents,
    KnownPrincipals,
    LiveRoles,
    LocalAdmin,
    Permissions,
    Policy,
    RequestCredentials,
    Revocations,
    RouteAccess,
  ],
})
export class AuthModule {
  /** What roles say of rates stands over what tools and settings say. */
  constructor(rules: RateRules, policy: Policy) {
    rules.use(policy);
  }
}
