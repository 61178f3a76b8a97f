import { isJsonObject } from '../common/index.js';

/** Arguments that are secret, by name; `*` stands for each item of an array. `true` is the whole of what is there. */
export interface SecretPaths {
  readonly [property: string]: true | SecretPaths;
}

const MAX_DEPTH = 10;

/**
 * What a schema calls secret: `writeOnly`, or `format: password`.
 * @param schema JSON Schema; what stands behind a reference is not followed
 * @returns undefined where there is nothing of that kind
 */
export function secretPathsOf(schema: unknown, depth = 0): SecretPaths | true | undefined {
  if (!isJsonObject(schema) || depth > MAX_DEPTH) return undefined;
  if (schema['writeOnly'] === true || schema['format'] === 'password') return true;
  const { properties, items } = schema;
  const members: [string, unknown][] = isJsonObject(properties) ? Object.entries(properties) : [];
  if (items !== undefined) members.push(['*', items]);
  const found = members.flatMap(([name, member]) => {
    const inside = secretPathsOf(member, depth + 1);
    return inside === undefined ? [] : [[name, inside] as const];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}
