// Takes the specification's JSON schemas out of the official conformance suite, which carries them, into test/schemas.
// The suite has none of 2024-11-05: that one is made of the next by taking away what came with it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { npmTool } from './tools.mjs';

const VERSION = '0.2.0-alpha.12';
const REVISIONS = ['2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'];
/** Where the suite's program maps each revision to the variable that holds its schema. */
const MAP = /\{"2025-03-26":(\w+),"2025-06-18":(\w+),"2025-11-25":(\w+),\[\w+\]:(\w+)\}/;

const target = join(import.meta.dirname, '..', 'test', 'schemas');
const folder = npmTool(`conformance-${VERSION}`, [`@modelcontextprotocol/conformance@${VERSION}`]);
const program = readFileSync(join(folder, 'node_modules/@modelcontextprotocol/conformance/dist/index.js'), 'utf8');
const variables = MAP.exec(program)?.slice(1);
if (!variables) throw new Error(`conformance ${VERSION} does not hold its schemas where they were`);

for (const [at, revision] of REVISIONS.entries()) {
  const schema = corrected(literalOf(variables[at]));
  write(revision, schema);
  if (revision === '2025-03-26') write('2024-11-05', before20250326(schema));
}

/** @returns the value of an object literal that is assigned to a variable of the program */
function literalOf(variable) {
  const from = program.indexOf('{', program.search(new RegExp(`[,;\\s]${variable}=\\{`)));
  let depth = 0;
  let quote;
  for (let at = from; at < program.length; at++) {
    const char = program[at];
    if (quote) {
      if (char === '\\') at++;
      else if (char === quote) quote = undefined;
    } else if ('`"\''.includes(char)) quote = char;
    else if (char === '{') depth++;
    else if (char === '}' && --depth === 0) {
      return JSON.parse(JSON.stringify(runInNewContext(`(${program.slice(from, at + 1)})`)));
    }
  }
  throw new Error(`The schema in ${variable} has no end`);
}

/** Bounds of a number need not be integers: the specification's files say so since they were generated anew. */
function corrected(schema) {
  const { NumberSchema } = schema.$defs ?? schema.definitions;
  for (const name of ['default', 'minimum', 'maximum']) {
    const property = NumberSchema?.properties[name];
    if (property?.type === 'integer') property.type = 'number';
  }
  return schema;
}

/** What 2025-03-26 brought: batches, sound, annotations of tools, completions as a capability, messages of progress. */
function before20250326(later) {
  const schema = JSON.parse(JSON.stringify(later));
  const { definitions } = schema;
  for (const name of ['AudioContent', 'ToolAnnotations', 'JSONRPCBatchRequest', 'JSONRPCBatchResponse']) {
    delete definitions[name];
  }
  delete definitions.Tool.properties.annotations;
  delete definitions.ServerCapabilities.properties.completions;
  delete definitions.ProgressNotification.properties.params.properties.message;
  withoutAudio(definitions);
  const { anyOf } = definitions.JSONRPCMessage;
  definitions.JSONRPCMessage.anyOf = anyOf.filter(({ type }) => type !== 'array');
  return schema;
}

function withoutAudio(value) {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value.anyOf)) value.anyOf = value.anyOf.filter(({ $ref }) => !$ref?.endsWith('/AudioContent'));
  for (const member of Object.values(value)) withoutAudio(member);
}

function write(revision, schema) {
  mkdirSync(join(target, revision), { recursive: true });
  writeFileSync(join(target, revision, 'schema.json'), `${JSON.stringify(schema, null, 2)}\n`);
}
