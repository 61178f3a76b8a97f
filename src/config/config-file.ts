import { extname, resolve } from 'node:path';
import { isJsonObject, type JsonObject, printable } from '../common/index.js';
import { FORMATS } from './formats.js';
import { nearest } from './nearest.js';
import { readText } from './read-text.js';
import { type Given, NOTHING, type Reading, type Source } from './reading.js';
import { GROUPS, SETTINGS } from './schema.js';
import { OVERRIDE_SETTINGS, overrideKeyOfFile, OVERRIDES } from './tool-overrides.js';

const BY_KEY = new Map(SETTINGS.map((setting) => [setting.key, setting]));
const KEYS = [...SETTINGS.filter((setting) => !setting.notInFile), ...OVERRIDE_SETTINGS].map(({ key }) => key);
/** `toolOverrides`, tool, property: no settings file nests deeper. */
const MAX_DEPTH = 3;

/**
 * Reads the settings file.
 * @param path as given, relative to `cwd`; undefined or unusable means no file, validation says the latter
 */
export async function readConfigFile(path: unknown, cwd: string): Promise<Reading> {
  if (typeof path !== 'string' || !FORMATS.path.accepts(path)) return NOTHING;
  const parse = PARSERS[extname(path).toLowerCase()];
  const fault = (text: string): Reading => ({ ...NOTHING, faults: [`The settings file ${printable(path)} ${text}`] });
  if (!parse) return fault('must end in .json, .yaml or .yml');
  const { text, code } = await readText(resolve(cwd, path));
  if (text === undefined) return fault(`cannot be read (${code})`);
  try {
    const content = (await parse(text)) ?? {};
    return isJsonObject(content) ? readTree(content, `file ${path}`) : fault('must hold an object of groups');
  } catch (error) {
    return fault(syntaxFault(error));
  }
}

/**
 * Reads settings from a tree of groups. Keys may be nested (`server: { port: 1 }`) or dotted (`server.port: 1`); null
 * counts as not set, as an empty line of YAML is null.
 * @param source stands in messages after the key, unless the tree is the options of a host application
 */
export function readTree(tree: JsonObject, source: Source): Reading {
  const given = new Map<string, Given>();
  const faults: string[] = [];
  const place = source === 'options' ? '' : ` in ${printable(source.replace(/^file /, ''))}`;
  for (const [path, raw] of flatten(tree)) {
    const where = `${printable(path)}${place}`;
    const key = BY_KEY.has(path) ? path : overrideKeyOfFile(path);
    if (key === undefined) faults.push(`${where} is not a setting; the nearest is ${nearest(path, KEYS)}`);
    else if (BY_KEY.get(key)?.notInFile) faults.push(`${where} may only be given by flag or environment`);
    else if (given.has(key)) faults.push(`${where} is given twice`);
    else if (raw != null) given.set(key, { raw, source, where });
  }
  return { given, faults, warnings: [] };
}

const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  '.json': (text) => JSON.parse(text) as unknown,
  '.yaml': parseYaml,
  '.yml': parseYaml,
};

async function parseYaml(text: string): Promise<unknown> {
  // Loaded here, as most starts read no YAML.
  const { parse } = await import('yaml');
  return parse(text, { logLevel: 'error' }) as unknown;
}

/** Says where the syntax is wrong. Never the parser's message: it quotes the file, and that may hold secrets. */
function syntaxFault(error: unknown): string {
  const at = error instanceof Error && 'linePos' in error ? (error.linePos as [{ line: number }]) : undefined;
  const position = error instanceof SyntaxError ? /position (\d+)/.exec(error.message)?.[1] : undefined;
  if (at) return `is not valid YAML, line ${at[0].line}`;
  return `is not valid ${error instanceof SyntaxError ? 'JSON' : 'YAML'}${position ? `, character ${position}` : ''}`;
}

/** The leaves of a tree with their dotted paths. What stands at a setting is a leaf, and what is empty or too deep. */
function* flatten(tree: JsonObject, prefix = '', depth = 1): Generator<[path: string, value: unknown]> {
  for (const [name, value] of Object.entries(tree)) {
    const path = `${prefix}${name}`;
    const isGroup = depth === 1 && (Object.hasOwn(GROUPS, name) || name === OVERRIDES);
    if (isGroup && value == null) continue;
    const isBranch = isJsonObject(value) && depth < MAX_DEPTH && !BY_KEY.has(path);
    if (isBranch && (isGroup || Object.keys(value).length > 0)) yield* flatten(value, `${path}.`, depth + 1);
    else yield [path, value];
  }
}
