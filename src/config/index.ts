export { AppConfig, type ConfigOverrides } from './app-config.js';
export { renderConfigurationDoc, renderEnvExample, renderFlagHelp } from './config-doc.js';
export {
  type CertificateRoles,
  type HashedKey,
  isCallerName,
  isKeyId,
  isRoleName,
  isScopeName,
  type NamedToken,
  parseApiKeys,
  parseAuthTokens,
  parseCertificateRoles,
} from './credential-lists.js';
export { ConfigModule } from './config.module.js';
export { hostEnvironment, hostStateRoot } from './host-environment.js';
export { type ConfigPlaces, loadConfig } from './load-config.js';
export type { Source } from './reading.js';
export type { DescribedSetting } from './resolve-settings.js';
export { parseSessionKeys, type SessionKey } from './session-keys.js';
export { isLoopbackHost } from './loopback.js';
export { SECRET_ALGORITHM } from './settings/auth.settings.js';
export { LoggingSettings } from './settings/logging.settings.js';
export { SessionSettings } from './settings/session.settings.js';
export { ToolSettings } from './settings/tool.settings.js';
export { toolOverrideKey } from './tool-overrides.js';
