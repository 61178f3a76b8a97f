export { AppConfig, type ConfigOverrides } from './app-config.js';
export { renderConfigurationDoc, renderEnvExample, renderFlagHelp } from './config-doc.js';
export {
  type CertificateRoles,
  type HashedKey,
  isCallerName,
  isKeyId,
  isScopeName,
  type NamedToken,
  parseApiKeys,
  parseAuthTokens,
  parseCertificateRoles,
} from './credential-lists.js';
export { ConfigModule } from './config.module.js';
export { FORMATS } from './formats.js';
export { hostEnvironment, hostStateRoot } from './host-environment.js';
export { type ConfigPlaces, loadConfig, PlacedConfig } from './load-config.js';
export { isLoopbackHost } from './loopback.js';
export { ConfigReload, type ReloadOutcome } from './reload/config-reload.js';
export { type ConfigSource } from './reload/config-source.js';
export { LiveSettings } from './reload/live-settings.js';
export { type PreparedReload, Reloadable } from './reload/reloadable.js';
export type { Source } from './reading.js';
export { parseRedisUrl, type RedisAddress } from './redis-url.js';
export type { DescribedSetting } from './resolve-settings.js';
export { isRoleName } from './role-name.js';
export { parseSessionKeys, type SessionKey } from './session-keys.js';
export { AuditSettings } from './settings/audit.settings.js';
export { SECRET_ALGORITHM } from './settings/auth.settings.js';
export { LoggingSettings } from './settings/logging.settings.js';
export { RedisSettings } from './settings/redis.settings.js';
export { SessionSettings } from './settings/session.settings.js';
export { TlsSettings } from './settings/tls.settings.js';
export { ToolSettings } from './settings/tool.settings.js';
export { GROUPS } from './schema.js';
export { toolOverrideKey } from './tool-overrides.js';
