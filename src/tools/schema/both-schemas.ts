import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type JsonObject } from '../../common/index.js';

type Choice = (one: number, other: number) => number;

/** Where the tighter of two values says what both say. */
const BOUNDS: ReadonlyMap<string, Choice> = new Map<string, Choice>([
  ...['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'].map((key) => [key, Math.max] as const),
  ...['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'].map((key) => [key, Math.min] as const),
]);
/** Words for people and models, which check nothing. */
const ANNOTATIONS: ReadonlySet<string> = new Set(['title', 'description', 'default', 'examples', 'deprecated']);

/**
 * Joins two JSON Schemas of one value.
 * @returns a schema that is fulfilled by what fulfils both, and by nothing else
 */
export function bothSchemas(one: JsonObject, other: JsonObject): JsonObject {
  const joined: JsonObject = { ...one };
  const apart: JsonObject = {};
  for (const [key, value] of Object.entries(other)) {
    const known = joined[key];
    if (known === undefined || ANNOTATIONS.has(key)) joined[key] = value;
    else if (!isDeepStrictEqual(known, value)) {
      const both = joinedValue(key, known, value);
      if (both === undefined) apart[key] = value;
      else joined[key] = both;
    }
  }
  return Object.keys(apart).length > 0 ? bothSchemas(joined, { allOf: [apart] }) : joined;
}

/** @returns undefined where the keyword cannot say both */
function joinedValue(key: string, one: unknown, other: unknown): unknown {
  const tighter = BOUNDS.get(key);
  if (tighter) return tighter(one as number, other as number);
  if (key === 'items' && isJsonObject(one) && isJsonObject(other)) return bothSchemas(one, other);
  if (key === 'allOf') return [...(one as unknown[]), ...(other as unknown[])];
  if (key === 'type' && [one, other].every((type) => type === 'integer' || type === 'number')) return 'integer';
  return undefined;
}
