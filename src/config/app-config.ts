import { isJsonObject } from '../common/index.js';
import { readTree } from './config-file.js';
import { type DescribedSetting, type ResolvedSettings, resolveSettings } from './resolve-settings.js';
import type { GroupName, Groups } from './schema.js';
import type { ToolOverride } from './settings/tool-override.settings.js';

/** Settings that a host application passes in code: any of each group; the rest keeps its default. */
export type ConfigOverrides = { readonly [Name in GroupName]?: Partial<Groups[Name]> } & {
  /** By the name of the tool. */
  readonly toolOverrides?: Readonly<Record<string, ToolOverride>>;
};

/** The settings of the process: validated, deep-frozen, and the token under which Nest injects them. */
export class AppConfig implements Groups {
  readonly server: Groups['server'];
  readonly http: Groups['http'];
  readonly tls: Groups['tls'];
  readonly limits: Groups['limits'];
  readonly rate: Groups['rate'];
  readonly auth: Groups['auth'];
  readonly block: Groups['block'];
  readonly sessions: Groups['sessions'];
  readonly redis: Groups['redis'];
  readonly tools: Groups['tools'];
  readonly breaker: Groups['breaker'];
  readonly health: Groups['health'];
  readonly metrics: Groups['metrics'];
  readonly logging: Groups['logging'];
  readonly policy: Groups['policy'];
  readonly audit: Groups['audit'];
  /** By the key that `toolOverrideKey` makes of a tool's name. */
  readonly toolOverrides: ReadonlyMap<string, ToolOverride>;
  /** What the operator should know, in words for a log line each; no secrets. */
  readonly warnings: readonly string[];
  readonly #described: readonly DescribedSetting[];

  constructor({ groups, toolOverrides, described, warnings }: ResolvedSettings) {
    this.server = groups.server;
    this.http = groups.http;
    this.tls = groups.tls;
    this.limits = groups.limits;
    this.rate = groups.rate;
    this.auth = groups.auth;
    this.block = groups.block;
    this.sessions = groups.sessions;
    this.redis = groups.redis;
    this.tools = groups.tools;
    this.breaker = groups.breaker;
    this.health = groups.health;
    this.metrics = groups.metrics;
    this.logging = groups.logging;
    this.policy = groups.policy;
    this.audit = groups.audit;
    this.toolOverrides = toolOverrides;
    this.warnings = warnings;
    this.#described = described;
    Object.freeze(this);
  }

  /**
   * Defaults with overrides, under the same rules as any other source; reads neither environment nor files.
   * @throws StartError with every fault at once
   */
  static of(overrides: ConfigOverrides = {}): AppConfig {
    const tree: unknown = overrides;
    return new AppConfig(resolveSettings([readTree(isJsonObject(tree) ? tree : {}, 'options')]));
  }

  /** Every setting with its value and where that came from; secrets are redacted. */
  describe(): readonly DescribedSetting[] {
    return this.#described;
  }
}
