import { EXIT, REDACTED, StartError } from '../common/index.js';
import { deepFreeze, FrozenMap } from './deep-freeze.js';
import { type Draft, fillDraft } from './draft.js';
import type { Reading, Source } from './reading.js';
import type { Finding, Rule } from './rule.js';
import { RULES } from './rules.js';
import { GROUP_SETTINGS, type GroupName, type Groups, GROUPS } from './schema.js';
import { ToolOverride } from './settings/tool-override.settings.js';
import { overrideNames, overrideSettings } from './tool-overrides.js';

/** A setting as people may see it. */
export interface DescribedSetting {
  /** Name in the settings file. */
  readonly key: string;
  readonly env: string;
  /** Without the dashes. */
  readonly flag?: string;
  /** Undefined when not set; a secret that is set shows as redacted. */
  readonly value: unknown;
  readonly source: Source;
}

/** Settings that are valid, each alone and all together. */
export interface ResolvedSettings {
  readonly groups: Groups;
  /** By the override key of the tool. */
  readonly toolOverrides: ReadonlyMap<string, ToolOverride>;
  readonly described: readonly DescribedSetting[];
  readonly warnings: readonly string[];
}

/**
 * Makes settings out of what the sources gave.
 * @param readings best source first; the first that has a setting decides
 * @returns deep-frozen settings
 * @throws StartError with every fault at once; EXIT.usage when the command line is at fault, else EXIT.config (K-24, K-35)
 */
export function resolveSettings(readings: readonly Reading[]): ResolvedSettings {
  const given = new Map([...readings].reverse().flatMap((reading) => [...reading.given]));
  const groups = Object.fromEntries(
    Object.entries(GROUPS).map(([name, type]) => [name, new type()]),
  ) as unknown as Groups;
  const overrides = new FrozenMap([...overrideNames(given.keys())].map((name) => [name, new ToolOverride()]));
  const drafts: readonly Draft[] = [
    ...[...GROUP_SETTINGS].map(([name, settings]) => ({ settings, target: groups[name] })),
    ...[...overrides].map(([name, target]) => ({ settings: overrideSettings(name), target })),
  ];
  const filled = drafts.map((draft) => fillDraft(draft, given));
  const sources = new Map([...given].map(([key, { source }]) => [key, source]));
  const invalid = new Set(filled.flatMap(({ faults }) => [...faults.keys()]));
  const findings = applyRules(groups, sources, invalid);

  refuse(
    readings.flatMap(({ misuses }) => misuses ?? []),
    [
      ...readings.flatMap(({ faults }) => faults),
      ...filled.flatMap(({ faults }) => [...faults.values()]),
      ...findings.flatMap(({ fault }) => fault ?? []),
    ],
  );
  return deepFreeze({
    groups,
    toolOverrides: overrides,
    described: drafts.flatMap((draft) => describe(draft, sources)),
    warnings: [
      ...readings.flatMap(({ warnings }) => warnings),
      ...filled.flatMap(({ warnings }) => warnings),
      ...findings.flatMap(({ warning }) => warning ?? []),
    ],
  });
}

/** Applies the rules in order, and what they change to `groups` and `sources`. */
function applyRules(groups: Groups, sources: Map<string, Source>, invalid: ReadonlySet<string>): readonly Finding[] {
  const applies = (rule: Rule): boolean => rule.reads.every((key) => !invalid.has(key));
  const findings: Finding[] = [];
  for (const rule of RULES.filter(applies)) {
    const finding = rule.check({ groups, sourceOf: (key) => sources.get(key) ?? 'default' });
    if (!finding) continue;
    findings.push(finding);
    for (const [name, change] of Object.entries(finding.change ?? {})) {
      Object.assign(groups[name as GroupName], change);
      for (const property of Object.keys(change)) {
        if (finding.source) sources.set(`${name}.${property}`, finding.source);
      }
    }
  }
  return findings;
}

function refuse(misuses: readonly string[], faults: readonly string[]): void {
  if (misuses.length + faults.length === 0) return;
  const exitCode = misuses.length > 0 ? EXIT.usage : EXIT.config;
  throw new StartError('Cannot start with these settings:', [...misuses, ...faults], exitCode);
}

function describe({ settings, target }: Draft, sources: ReadonlyMap<string, Source>): readonly DescribedSetting[] {
  return settings.map(({ key, env, flag, property, secret }) => {
    const value: unknown = Reflect.get(target, property);
    return {
      key,
      env,
      ...(flag === undefined ? {} : { flag }),
      value: secret && value !== undefined ? REDACTED : value,
      source: sources.get(key) ?? 'default',
    };
  });
}
