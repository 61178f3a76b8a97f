import type { ReadResourceResult } from '@modelcontextprotocol/sdk/types.js';
import { isJsonObject } from '../common/index.js';

type Contents = ReadResourceResult['contents'][number];

/**
 * Brings what a resource method returned into the protocol's form.
 * @param uri the URI that was asked for
 * @param mimeType of the resource, where its author gave one
 */
export function toResourceResult(value: unknown, uri: string, mimeType: string | undefined): ReadResourceResult {
  if (isJsonObject(value) && Array.isArray(value['contents'])) return value as unknown as ReadResourceResult;
  const items = Array.isArray(value) && value.every(isContents) ? value : [value];
  return { contents: items.map((item) => toContents(item, uri, mimeType)) };
}

function toContents(value: unknown, uri: string, mimeType: string | undefined): Contents {
  if (isContents(value)) return { ...(mimeType !== undefined && { mimeType }), ...value, uri: value.uri ?? uri };
  const type = mimeType === undefined ? {} : { mimeType };
  if (typeof value === 'string') return { uri, ...type, text: value };
  if (value instanceof Uint8Array) return { uri, ...type, blob: Buffer.from(value).toString('base64') };
  return { uri, mimeType: mimeType ?? 'application/json', text: JSON.stringify(value ?? null) };
}

function isContents(value: unknown): value is Contents & { uri?: string } {
  return isJsonObject(value) && (typeof value['text'] === 'string' || typeof value['blob'] === 'string');
}
