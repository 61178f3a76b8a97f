import { createHash } from 'node:crypto';
import { canonicalJson, isJsonObject } from '../../common/index.js';
import type { ToolResult } from '../tool-result.js';

/** What is written down of a keyed call. */
export type KeyedRecord =
  /** It was begun by a replica, which lives or does not. */
  | { readonly state: 'started'; readonly digest: string; readonly replica: string }
  /** It ended, with this result; left out where it is too large to be kept. */
  | { readonly state: 'done'; readonly digest: string; readonly result: ToolResult | undefined }
  /** It ended early: what it did until then nobody knows. */
  | { readonly state: 'abandoned'; readonly digest: string };

/** @returns the record, where a value is one; a newer version may have written another form */
export function keyedRecordOf(value: unknown): KeyedRecord | undefined {
  if (!isJsonObject(value) || typeof value['digest'] !== 'string') return undefined;
  const isKnown = value['state'] === 'started' || value['state'] === 'done' || value['state'] === 'abandoned';
  return isKnown ? (value as unknown as KeyedRecord) : undefined;
}

/** Name under which a key of a caller stands: neither can be read from it. */
export function nameOfKey(caller: string, tool: string, key: string): string {
  return createHash('sha256')
    .update(JSON.stringify([caller, tool, key]))
    .digest('base64url');
}

/** What arguments are the same, whatever the order of their keys. */
export function digestOf(args: unknown): string {
  return createHash('sha256').update(canonicalJson(args)).digest('base64url');
}
