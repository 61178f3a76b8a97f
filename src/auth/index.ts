export { AuthModule } from './auth.module.js';
export { Authenticator, type Credentials } from './authenticator.js';
export { type CredentialEnd, CredentialWatch } from './credential-watch.js';
export { Policy, type PolicyDecision, type PolicyTarget } from './policy.js';
export type { Principal } from './principal.js';
