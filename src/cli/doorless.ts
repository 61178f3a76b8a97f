import { AppConfig, GROUPS } from '../config/index.js';

/** The same settings for a server without its doors, its state folder and its audit and security files: one that only looks. */
export function doorless(config: AppConfig): AppConfig {
  const { file: _audit, ...audit } = config.audit;
  const { securityFile: _security, ...logging } = config.logging;
  const { configFile: _read, ...server } = config.server;
  const groups = Object.fromEntries(Object.keys(GROUPS).map((group) => [group, Reflect.get(config, group) as object]));
  return AppConfig.of({
    ...groups,
    server: { ...server, transports: ['stdio'], watchConfig: false },
    audit: { ...audit, required: false },
    logging,
    toolOverrides: Object.fromEntries(config.toolOverrides),
  });
}
