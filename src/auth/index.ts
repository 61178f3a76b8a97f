export { AuthModule } from './auth.module.js';
export { Authenticator, type Credentials } from './authenticator.js';
export { type CredentialEnd, CredentialWatch } from './credential-watch.js';
export { type Permission, Public, RequiresPermission } from './guards/access.decorators.js';
export { AccessGuard } from './guards/access.guard.js';
export { RouteAccess } from './guards/route-access.js';
export { Policy, type PolicyDecision, type PolicyTarget } from './policy.js';
export type { Principal } from './principal.js';
