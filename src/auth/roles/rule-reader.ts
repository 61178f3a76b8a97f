import type { TargetHints } from '../policy-target.js';
import { type ArgumentLimits, ArgumentRule } from './argument-rule.js';
import type { DocumentCursor } from './document-cursor.js';
import { Glob, MAX_GLOB_CHARS } from './glob.js';
import type { RoleRule, TargetPattern } from './role.js';

const TARGET = /^(tool|resource|prompt):([^]+)$/;
const HINTS = ['readOnly', 'destructive', 'idempotent', 'openWorld'] as const satisfies readonly (keyof TargetHints)[];
const RULE_KEYS = ['target', ...HINTS, 'tags', 'scopes', 'args'];
const LIMIT_KEYS = ['enum', 'pattern', 'prefix', 'min', 'max', 'optional'];
/** What a scope may be made of. @see RFC 6749 section 3.3 */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/;

/**
 * Reads one rule: a target as text, or an object.
 * @param id `dba.allow[0]`
 */
export function readRule(cursor: DocumentCursor, id: string, effect: 'allow' | 'deny'): RoleRule {
  const { place } = cursor;
  const isShort = typeof cursor.value === 'string';
  if (!isShort) cursor.knowsOnly(RULE_KEYS);
  const target = isShort ? cursor : cursor.at('target');
  const targets = target.items().flatMap((item) => readTarget(item) ?? []);
  if (!target.isGiven) target.fault('is missing: say what the rule is about');
  const scopes = isShort ? [] : cursor.at('scopes').texts((text) => SCOPE.test(text), 'a scope');
  if (effect === 'deny' && scopes.length > 0) cursor.at('scopes').fault('has no place in a deny rule');
  return {
    id,
    place,
    targets,
    hints: isShort ? {} : readHints(cursor),
    tags: isShort ? [] : cursor.at('tags').texts((text) => text !== '', 'a tag'),
    scopes,
    args: isShort ? [] : readArguments(cursor.at('args'), targets),
  };
}

/** `tool:db_*`, or `*` for everything. */
export function readTarget(cursor: DocumentCursor): TargetPattern | undefined {
  const isRight = (text: string): boolean => text.length <= MAX_GLOB_CHARS && (text === '*' || TARGET.test(text));
  const what = `"*", or tool:, resource: or prompt: and a name, at most ${MAX_GLOB_CHARS} characters`;
  const text = cursor.text(isRight, what);
  if (text === undefined) return undefined;
  const [, kind, name] = TARGET.exec(text) ?? [];
  if (kind === undefined || name === undefined) return { kind: '*', name: new Glob('*') };
  return { kind: kind as 'tool' | 'resource' | 'prompt', name: new Glob(name) };
}

function readHints(cursor: DocumentCursor): Partial<TargetHints> {
  const given = HINTS.map((hint) => [hint, cursor.at(hint).bool()] as const);
  return Object.fromEntries(given.filter(([, wanted]) => wanted !== undefined));
}

function readArguments(cursor: DocumentCursor, targets: readonly TargetPattern[]): readonly ArgumentRule[] {
  const entries = cursor.entries();
  if (entries.length > 0 && targets.some(({ kind }) => kind === 'resource' || kind === '*')) {
    cursor.fault('needs targets that have arguments: tool: or prompt:');
  }
  return entries.flatMap(([name, limits]) => {
    const path = pathOf(name);
    if (path.length === 0) limits.fault('must be named: the name of an argument, or a pointer such as /query/table');
    return path.length === 0 ? [] : [new ArgumentRule(name, path, readLimits(limits))];
  });
}

/** A name stands for itself, what begins with a slash is a pointer. @see RFC 6901 */
function pathOf(name: string): readonly string[] {
  if (name === '' || name === '/') return [];
  if (!name.startsWith('/')) return [name];
  return name
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function readLimits(cursor: DocumentCursor): ArgumentLimits {
  cursor.knowsOnly(LIMIT_KEYS);
  const finite = (value: number): boolean => Number.isFinite(value);
  const pattern = cursor
    .at('pattern')
    .text(
      (text) => text !== '' && text.length <= MAX_GLOB_CHARS,
      `text with * for any part, at most ${MAX_GLOB_CHARS} characters`,
    );
  const limits = {
    enum: readEnum(cursor.at('enum')),
    pattern: pattern === undefined ? undefined : new Glob(pattern),
    prefix: cursor.at('prefix').text((text) => text !== '', 'text'),
    min: cursor.at('min').number(finite, 'a number'),
    max: cursor.at('max').number(finite, 'a number'),
    optional: cursor.at('optional').bool(),
  };
  const given = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined)) as ArgumentLimits;
  if (Object.keys(given).every((key) => key === 'optional')) {
    cursor.fault(`says nothing: give one of ${LIMIT_KEYS.slice(0, -1).join(', ')}`);
  }
  if (given.min !== undefined && given.max !== undefined && given.min > given.max) {
    cursor.fault(`takes nothing: min ${given.min} is above max ${given.max}`);
  }
  return given;
}

function readEnum(cursor: DocumentCursor): ArgumentLimits['enum'] {
  if (!cursor.isGiven) return undefined;
  const values = cursor.items().flatMap((item) => {
    const { value } = item;
    if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return [value as string];
    item.fault('must be text, a number, true, false or null');
    return [];
  });
  if (values.length === 0) cursor.fault('must hold a value');
  return values;
}
