export { AuthModule } from './auth.module.js';
export { Authenticator, type ClientCertificate, type Credentials } from './authenticator.js';
export { LocalAdmin } from './authenticators/local-admin.js';
export { type CredentialEnd, CredentialWatch } from './credential-watch.js';
export { ApiKeys, type IssuedKey, type KeyDescription, type KeyRequest } from './keys/api-keys.js';
export { Policy, type PolicyDecision, type PolicyTarget } from './policy.js';
export type { Principal } from './principal.js';
export { ProtectedResource } from './protected-resource.js';
export { type Revocation, Revocations, type RevocationTarget } from './revocations.js';
