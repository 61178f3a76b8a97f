import { validateSync } from 'class-validator';
import { printable } from '../common/index.js';
import { clamp, coerce } from './coerce.js';
import type { Given } from './reading.js';
import { expectation, type Setting } from './setting-spec.js';

/** The settings of one class while they are made. */
export interface Draft {
  readonly settings: readonly Setting[];
  /** An instance of the class, filled in place. */
  readonly target: object;
}

/** What came of a draft. */
export interface DraftResult {
  /** Messages by the key of the setting. */
  readonly faults: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
}

/** Fills a draft with what was given, or with defaults, and has class-validator judge it. */
export function fillDraft({ settings, target }: Draft, given: ReadonlyMap<string, Given>): DraftResult {
  const warnings: string[] = [];
  for (const setting of settings) {
    const source = given.get(setting.key);
    const value = source ? typed(setting, source.raw, warnings) : structuredClone(setting.default);
    if (value !== undefined) Object.assign(target, { [setting.property]: value });
  }
  const wrong = new Set(validateSync(target).map(({ property }) => property));
  const faults = settings
    .filter(({ property }) => wrong.has(property))
    .map((setting) => [setting.key, faultOf(setting, given.get(setting.key))] as const);
  return { faults: new Map(faults), warnings };
}

function typed(setting: Setting, raw: unknown, warnings: string[]): unknown {
  const value = coerce(setting, raw);
  if (setting.kind !== 'int') return value;
  const clamped = clamp(setting, value);
  if (clamped !== value) {
    const range = `valid_range=[${setting.min},${setting.max}]`;
    warnings.push(`config_clamped param=${setting.key} original=${String(value)} new=${String(clamped)} ${range}`);
  }
  return clamped;
}

function faultOf(setting: Setting, given: Given | undefined): string {
  const instead = setting.secret ? '' : `, not ${shown(given?.raw)}`;
  return `${given?.where ?? setting.key} must be ${expectation(setting)}${instead}`;
}

/** A wrong value as a message may show it. Lists are shown one level deep: YAML may hold a list that holds itself. */
function shown(raw: unknown): string {
  return Array.isArray(raw) ? `[${raw.slice(0, 10).map(shownItem).join(', ')}]` : shownItem(raw);
}

/** Short, without control characters, without the password of a URL. */
function shownItem(raw: unknown): string {
  if (typeof raw === 'string') return JSON.stringify(printable(raw.replace(/\/\/[^/]*@/g, '//***@'), 60));
  return typeof raw === 'number' || typeof raw === 'boolean' ? String(raw) : `a value of type ${typeof raw}`;
}
