import type { Source } from './reading.js';
import type { GroupName, Groups, SettingKey } from './schema.js';

/** What rules see: the settings, each valid by itself, and where each came from. */
export interface Settled {
  readonly groups: Groups;
  readonly sourceOf: (key: SettingKey) => Source;
}

/** What a rule says; it changes nothing itself. */
export interface Finding {
  /** Why the start must be refused. */
  readonly fault?: string;
  readonly warning?: string;
  readonly change?: { readonly [Name in GroupName]?: Partial<Groups[Name]> };
  /** Where the changed values now come from; where they came from before when left out. */
  readonly source?: Source;
}

/** A rule over several settings. */
export interface Rule {
  /** Looked at only while all of these are valid. */
  readonly reads: readonly SettingKey[];
  readonly check: (settled: Settled) => Finding | undefined;
}
