import { crc32 } from 'node:zlib';
import { isJsonObject } from '../../common/index.js';
import type { StoredRecord } from './record-table.js';

/** What one line of a journal says. */
export type JournalEntry =
  | { readonly kind: 'format'; readonly version: number }
  | { readonly kind: 'put'; readonly namespace: string; readonly key: string; readonly record: StoredRecord }
  | { readonly kind: 'delete'; readonly namespace: string; readonly key: string };

/** Version of the journal that this code writes and reads. */
export const JOURNAL_VERSION = 1;

const FORMAT = 'gatehouse-journal';
const BODY_AT = '{"crc":"01234567","entry":'.length;

/** @returns the first line of a journal */
export function formatLine(): string {
  return line(JSON.stringify({ format: FORMAT, version: JOURNAL_VERSION }));
}

export function putLine(namespace: string, key: string, { json, expiresAt }: StoredRecord): string {
  const head = `{"namespace":${JSON.stringify(namespace)},"key":${JSON.stringify(key)}`;
  const expiry = expiresAt === Infinity ? '' : `,"expiresAt":${expiresAt}`;
  return line(`${head}${expiry},"value":${json}}`);
}

export function deleteLine(namespace: string, key: string): string {
  return line(JSON.stringify({ namespace, key, deleted: true }));
}

// The checksum is for what JSON cannot show: a flipped bit inside a text is still JSON.
function line(body: string): string {
  const crc = crc32(body).toString(16).padStart(8, '0');
  return `{"crc":"${crc}","entry":${body}}\n`;
}

/**
 * Reads one line.
 * @param bytes the line without its line feed
 * @returns what it says, or undefined when it is damaged
 */
export function readLine(bytes: Buffer): JournalEntry | undefined {
  const body = bytes.toString('utf8', BODY_AT, bytes.length - 1);
  if (`${bytes.toString('utf8')}\n` !== line(body)) return undefined;
  try {
    return entryOf(JSON.parse(body));
  } catch {
    // Written by hand, with the right checksum.
    return undefined;
  }
}

function entryOf(value: unknown): JournalEntry | undefined {
  if (!isJsonObject(value)) return undefined;
  const { format, version, namespace, key, deleted, expiresAt } = value;
  if (format === FORMAT && typeof version === 'number') return { kind: 'format', version };
  if (typeof namespace !== 'string' || typeof key !== 'string') return undefined;
  if (deleted === true) return { kind: 'delete', namespace, key };
  if (!('value' in value) || (expiresAt !== undefined && typeof expiresAt !== 'number')) return undefined;
  return {
    kind: 'put',
    namespace,
    key,
    record: { json: JSON.stringify(value['value']), expiresAt: expiresAt ?? Infinity },
  };
}
