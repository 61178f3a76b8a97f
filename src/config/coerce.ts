import type { EnumSpec, IntSpec, ListSpec, SettingSpec } from './setting-spec.js';

const WORDS = new Map<string, boolean>([
  ...['true', '1', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', '0', 'no', 'off'].map((word) => [word, false] as const),
]);

/**
 * Turns what a source gave into the type of the setting.
 * @param raw text from a flag or the environment, any JSON value from a file
 * @returns the typed value, or `raw` itself where it cannot be turned: validation then refuses it
 */
export function coerce(spec: SettingSpec, raw: unknown): unknown {
  switch (spec.kind) {
    case 'int':
      return typeof raw === 'string' && /^\s*[+-]?\d+\s*$/.test(raw) ? Number(raw) : raw;
    case 'bool':
      return WORDS.get(wordOf(raw)) ?? raw;
    case 'enum':
      return canonical(spec, raw);
    case 'list':
      return listOf(spec, raw);
    case 'text':
      return raw;
  }
}

/** The nearest number in range (S4-37); the value itself where that is no clamping matter. */
export function clamp(spec: IntSpec, value: unknown): unknown {
  if (spec.strict || typeof value !== 'number' || Number.isNaN(value)) return value;
  const whole = Number.isInteger(value) || !Number.isFinite(value);
  return whole ? Math.min(Math.max(value, spec.min), spec.max) : value;
}

function wordOf(raw: unknown): string {
  return typeof raw === 'string' || typeof raw === 'number' ? String(raw).trim().toLowerCase() : '';
}

function canonical(spec: Pick<EnumSpec, 'values' | 'synonyms'>, raw: unknown): unknown {
  if (typeof raw !== 'string') return raw;
  const word = raw.trim().toLowerCase();
  const synonym = new Map(Object.entries(spec.synonyms ?? {})).get(word);
  return synonym ?? spec.values.find((value) => value.toLowerCase() === word) ?? raw;
}

function listOf(spec: ListSpec, raw: unknown): unknown {
  // A file writes one port, or several, as numbers.
  const given: unknown = spec.format === 'port' && typeof raw === 'number' ? [raw] : raw;
  const parts: unknown = typeof given === 'string' ? given.split(',') : given;
  if (!Array.isArray(parts)) return raw;
  const items = parts
    .map((part: unknown) => (spec.format === 'port' && typeof part === 'number' ? String(part) : part))
    .map((part: unknown) => (typeof part === 'string' ? part.trim() : part))
    .filter((item) => item !== '')
    .map((item) => (spec.values ? canonical({ values: spec.values }, item) : item));
  return [...new Set(items)];
}
