import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Document, Node } from 'yaml';
import { isJsonObject, printable } from '../../common/index.js';
import type { DocumentPath } from './document-cursor.js';
import { RoleBook } from './role-book.js';
import { readRoles } from './roles-document.js';

/** A file that is larger is not one of roles. */
const MAX_BYTES = 1_048_576;

/** The roles of a file, or all that is wrong with it, a sentence each. */
export type RolesRead =
  { readonly book: RoleBook; readonly faults?: never } | { readonly book?: never; readonly faults: readonly string[] };

/**
 * Reads a file of roles, YAML or JSON (which is YAML too). Never throws.
 * @param path as given, relative to the start folder; undefined means the built-in roles alone
 */
export async function readRolesFile(path: string | undefined): Promise<RolesRead> {
  if (path === undefined) return { book: new RoleBook() };
  const name = `The roles file ${printable(path)}`;
  try {
    if ((await stat(path)).size > MAX_BYTES) return { faults: [`${name} is larger than ${MAX_BYTES} bytes`] };
    return await parseRoles(await readFile(path, 'utf8'), printable(basename(path)));
  } catch (error) {
    return { faults: [`${name} cannot be read (${codeOf(error)})`] };
  }
}

/** @param name of the file, for messages */
export async function parseRoles(text: string, name: string): Promise<RolesRead> {
  // Loaded here, as most starts read no YAML.
  const yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, { lineCounter: lines, logLevel: 'error' });
  const at = (offset: number): string => `${name}:${Math.max(1, lines.linePos(offset).line)}`;
  if (document.errors.length > 0) {
    return { faults: document.errors.map(({ pos, code }) => `${at(pos[0])} is not valid YAML (${code})`) };
  }
  const faults: string[] = [];
  const placeOf = (path: DocumentPath): string => at(offsetOf(document, path, yaml));
  const roles = readRoles(contentOf(document, faults, name), { placeOf, add: (fault) => void faults.push(fault) });
  return faults.length > 0 ? { faults } : { book: new RoleBook(roles, text) };
}

type Yaml = typeof import('yaml');

/** Where a value begins, by its key where it has one; what is missing is where it should be. */
function offsetOf(document: Document.Parsed, path: DocumentPath, yaml: Yaml): number {
  let offset = 0;
  let node: unknown = document.contents;
  for (const step of path) {
    if (yaml.isAlias(node)) node = node.resolve(document);
    if (yaml.isMap(node)) {
      const pair = node.items.find(({ key }) => yaml.isScalar(key) && String(key.value) === step);
      if (!pair) break;
      offset = startOf(pair.key, offset);
      node = pair.value;
    } else if (yaml.isSeq(node)) {
      node = node.items[Number(step)];
      offset = startOf(node, offset);
    } else break;
  }
  return offset;
}

function startOf(node: unknown, otherwise: number): number {
  return (node as Node | null | undefined)?.range?.[0] ?? otherwise;
}

/** Aliases could make a small file a huge one: the parser gives up at some size. */
function contentOf(document: Document.Parsed, faults: string[], name: string): unknown {
  try {
    return document.toJS() as unknown;
  } catch {
    faults.push(`${name}:1 has too many aliases`);
    return { roles: {} };
  }
}

function codeOf(error: unknown): string {
  return isJsonObject(error) && typeof error['code'] === 'string' ? error['code'] : 'unknown error';
}
