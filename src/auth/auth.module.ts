import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/index.js';
import { AppConfig, ConfigReload } from '../config/index.js';
import { LimitsModule, RateRules } from '../limits/index.js';
import { AnonymousAuthenticator, Authenticator } from './authenticator.js';
import { CredentialWatch } from './credential-watch.js';
import { RouteAccess } from './guards/route-access.js';
import { IncidentBoard } from './incidents/incident-board.js';
import { Incidents } from './incidents/incidents.js';
import { KnownPrincipals, SettingsPrincipals } from './known-principals.js';
import { Policy } from './policy.js';
import { LiveRoles } from './roles/live-roles.js';
import { Permissions } from './roles/permissions.js';
import { RolePolicy } from './roles/role-policy.js';

@Module({
  imports: [AuditModule, LimitsModule],
  providers: [
    CredentialWatch,
    IncidentBoard,
    Incidents,
    Permissions,
    RouteAccess,
    { provide: Authenticator, useClass: AnonymousAuthenticator },
    { provide: KnownPrincipals, useClass: SettingsPrincipals },
    {
      provide: LiveRoles,
      inject: [AppConfig, ConfigReload],
      useFactory: async (config: AppConfig, reloads: ConfigReload): Promise<LiveRoles> => {
        const roles = await LiveRoles.open(config);
        reloads.join(roles);
        return roles;
      },
    },
    { provide: Policy, useClass: RolePolicy },
  ],
  exports: [
    Authenticator,
    CredentialWatch,
    IncidentBoard,
    Incidents,
    KnownPrincipals,
    LiveRoles,
    Permissions,
    Policy,
    RouteAccess,
  ],
})
export class AuthModule {
  /** What roles say of rates stands over what tools and settings say. */
  constructor(rules: RateRules, policy: Policy) {
    rules.use(policy);
  }
}
