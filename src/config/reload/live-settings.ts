import type { AppConfig } from '../app-config.js';
import type { Groups } from '../schema.js';
import type { ToolOverride } from '../settings/tool-override.settings.js';

/**
 * Settings that a reload may change: whoever reads them here, each time, has those that hold now. All others are in
 * AppConfig, and hold until the process ends.
 */
export abstract class LiveSettings {
  abstract readonly rate: Groups['rate'];
  /** By the key that `toolOverrideKey` makes of a tool's name. */
  abstract readonly toolOverrides: ReadonlyMap<string, ToolOverride>;
}

/** Whether a setting can change while the server runs. */
export function isLive(key: string): boolean {
  return key.startsWith('rate.') || key.startsWith('toolOverrides.') || key === 'policy.rolesFile';
}

/** Those of the start, until others take their place. */
export class CurrentSettings extends LiveSettings {
  override rate: Groups['rate'];
  override toolOverrides: ReadonlyMap<string, ToolOverride>;

  constructor({ rate, toolOverrides }: Pick<AppConfig, 'rate' | 'toolOverrides'>) {
    super();
    this.rate = rate;
    this.toolOverrides = toolOverrides;
  }

  replace({ rate, toolOverrides }: AppConfig): void {
    // What is equal stays the same object: who keeps something made of it can tell by that.
    if (JSON.stringify(rate) !== JSON.stringify(this.rate)) this.rate = rate;
    this.toolOverrides = toolOverrides;
  }
}
