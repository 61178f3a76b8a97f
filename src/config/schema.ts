import type { Setting } from './setting-spec.js';
import { declaredSettings, type SettingsClass } from './setting.decorators.js';
import { AuditSettings } from './settings/audit.settings.js';
import { AuthSettings } from './settings/auth.settings.js';
import { BlockSettings } from './settings/block.settings.js';
import { BreakerSettings } from './settings/breaker.settings.js';
import { HealthSettings } from './settings/health.settings.js';
import { HttpSettings } from './settings/http.settings.js';
import { LimitSettings } from './settings/limit.settings.js';
import { LoggingSettings } from './settings/logging.settings.js';
import { MetricsSettings } from './settings/metrics.settings.js';
import { PolicySettings } from './settings/policy.settings.js';
import { RateSettings } from './settings/rate.settings.js';
import { RedisSettings } from './settings/redis.settings.js';
import { ServerSettings } from './settings/server.settings.js';
import { SessionSettings } from './settings/session.settings.js';
import { TlsSettings } from './settings/tls.settings.js';
import { ToolSettings } from './settings/tool.settings.js';

/** The groups of settings, by their name in the settings file. */
export const GROUPS = {
  server: ServerSettings,
  http: HttpSettings,
  tls: TlsSettings,
  limits: LimitSettings,
  rate: RateSettings,
  auth: AuthSettings,
  block: BlockSettings,
  sessions: SessionSettings,
  redis: RedisSettings,
  tools: ToolSettings,
  breaker: BreakerSettings,
  health: HealthSettings,
  metrics: MetricsSettings,
  logging: LoggingSettings,
  policy: PolicySettings,
  audit: AuditSettings,
} as const;

export type GroupName = keyof typeof GROUPS;

/** One value of each group. */
export type Groups = { readonly [Name in GroupName]: InstanceType<(typeof GROUPS)[Name]> };

/** Name of a setting in the settings file: `group.property`. */
export type SettingKey = { [Name in GroupName]: `${Name}.${keyof Groups[Name] & string}` }[GroupName];

/** The settings of each group, in the order of the docs. */
export const GROUP_SETTINGS: ReadonlyMap<GroupName, readonly Setting[]> = new Map(
  Object.entries(GROUPS).map(([group, type]) => [group as GroupName, settingsUnder(group, type)]),
);

/** Every setting. Overrides of single tools are not among them. */
export const SETTINGS: readonly Setting[] = [...GROUP_SETTINGS.values()].flat();

/** The settings of one class, with the keys that they have under `prefix`. */
export function settingsUnder(prefix: string, settingsClass: SettingsClass): readonly Setting[] {
  return [...declaredSettings(settingsClass)].map(([property, spec]) => ({
    ...spec,
    key: `${prefix}.${property}`,
    property,
  }));
}
