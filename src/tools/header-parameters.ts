import { isJsonObject, type JsonObject } from '../common/index.js';

/** An argument that clients repeat in a header, so that proxies can route by it. */
export interface HeaderParameter {
  /** Lower case, with its prefix: `mcp-param-region`. */
  readonly header: string;
  /** Keys from the arguments to the value. */
  readonly path: readonly string[];
}

const KEYWORD = 'x-mcp-header';
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean']);

/**
 * Finds the arguments that an input schema marks with `x-mcp-header`.
 * @throws Error a mark breaks a rule; the message is for the author
 * @see MCP 2026-07-28, basic/transports/streamable-http, "Schema Extension"
 */
export function headerParametersOf(schema: JsonObject): readonly HeaderParameter[] {
  const found: HeaderParameter[] = [];
  collect(schema, [], found);
  const marks = JSON.stringify(schema).split(`"${KEYWORD}":`).length - 1;
  if (marks > found.length)
    throw new Error(`${KEYWORD} may stand only on a property that is reached by properties alone`);
  const names = new Set(found.map(({ header }) => header));
  if (names.size < found.length) throw new Error(`${KEYWORD} must be unique within the schema`);
  return found;
}

function collect(schema: JsonObject, path: readonly string[], found: HeaderParameter[]): void {
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  for (const [key, property] of Object.entries(properties)) {
    if (!isJsonObject(property)) continue;
    const here = [...path, key];
    if (KEYWORD in property) found.push({ header: headerOf(property, here), path: here });
    collect(property, here, found);
  }
}

function headerOf(property: JsonObject, path: readonly string[]): string {
  const name = property[KEYWORD];
  if (typeof name !== 'string' || !TOKEN.test(name))
    throw new Error(`${KEYWORD} of ${path.join('.')} is no header name`);
  if (!TYPES.has(property['type']))
    throw new Error(`${path.join('.')} has ${KEYWORD} and is no string, integer or boolean`);
  return `mcp-param-${name.toLowerCase()}`;
}
