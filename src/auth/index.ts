export { AuthModule } from './auth.module.js';
export { Authenticator, type ClientCertificate, type Credentials } from './authenticator.js';
export { type LocalAccess, localAccessPath, LocalAdmin, readLocalAccess } from './authenticators/local-admin.js';
export { certificateOf } from './certificate-of.js';
export { principalOfKey } from './credential-principals.js';
export { type CredentialEnd, CredentialWatch } from './credential-watch.js';
export {
  AnyCaller,
  GatehouseController,
  Public,
  RequiresPermission,
  Roles,
  Scopes,
} from './guards/access.decorators.js';
export { AccessGuard } from './guards/access.guard.js';
export { RequestCredentials } from './guards/request-credentials.js';
export { type AccessRule, accessRuleOf } from './guards/access-rule.js';
export { callerOf, type GuardedRequest, RouteAccess } from './guards/route-access.js';
export { type Incident, type IncidentScope, subjectKey } from './incidents/incident.js';
export { IncidentBoard } from './incidents/incident-board.js';
export { type IncidentChange, type IncidentOrder, Incidents } from './incidents/incidents.js';
export { type KnownPrincipal, KnownPrincipals, nameOf } from './known-principals.js';
export { Policy, type PolicyDecision, type PolicyRefusal } from './policy.js';
export type { PolicyTarget, TargetHints } from './policy-target.js';
export type { Principal } from './principal.js';
export { LiveRoles } from './roles/live-roles.js';
export type { Permission } from './roles/permission.js';
export type { TargetRules } from './roles/role-set.js';
export { rulesNamingNothing } from './roles/role-book.js';
export { Permissions } from './roles/permissions.js';
export { refusalOfIncident } from './roles/role-policy.js';
export { newKeyToken } from './keys/key-token.js';
export { KeyGrants } from './keys/key-grants.js';
export { openApiKeys } from './keys/open-api-keys.js';
export { ApiKeys, DEFAULT_OVERLAP_MS, type IssuedKey, type KeyDescription, type KeyRequest } from './keys/api-keys.js';
export { ProtectedResource } from './protected-resource.js';
export { type Revocation, Revocations, type RevocationTarget } from './revocations.js';
