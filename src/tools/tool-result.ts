import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/sdk/types.js';
import { type ErrorKind, isJsonObject, type JsonObject } from '../common/index.js';

/** `_meta` key under which a failed result carries its stable kind and request id. */
const ERROR_META = 'mcp-gatehouse/error';

/** The protocol's result, built from whatever a tool returned. */
export type ToolResult = CallToolResult;

/**
 * Brings what a tool returned into the protocol's form: text for a string, blocks as they are, a whole result as it is,
 * JSON text for a plain object; and structured content where the tool has an output schema.
 * @param value anything but a promise
 */
export function toToolResult(value: unknown, hasOutputSchema: boolean): ToolResult {
  if (typeof value === 'string') return { content: [text(value)] };
  if (value === undefined || value === null) return { content: [] };
  if (isContentBlock(value)) return { content: [value] };
  if (Array.isArray(value)) return fromArray(value);
  if (isJsonObject(value)) {
    if (isResult(value)) return value;
    const result: ToolResult = { content: [text(JSON.stringify(value))] };
    if (hasOutputSchema) result.structuredContent = value;
    return result;
  }
  return { content: [text(scalar(value))] };
}

/** A failure that a model should read. @param data JSON beside the kind: `retryAfterMs` and the like */
export function toFailedResult(failure: {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly requestId: string;
  readonly data?: JsonObject | undefined;
}): ToolResult {
  const { kind, message, requestId, data } = failure;
  return { content: [text(message)], isError: true, _meta: { [ERROR_META]: { kind, requestId, ...data } } };
}

/** @returns why a result is a failure, where this server says so; undefined for a tool's own `isError` as for success */
export function failureOf({ isError, _meta }: ToolResult): (JsonObject & { readonly kind: ErrorKind }) | undefined {
  const failure = _meta?.[ERROR_META];
  return isError === true && isJsonObject(failure) ? (failure as JsonObject & { kind: ErrorKind }) : undefined;
}

function text(value: string): ContentBlock {
  return { type: 'text', text: value };
}

function fromArray(values: readonly unknown[]): ToolResult {
  if (values.length > 0 && values.every(isContentBlock)) return { content: [...values] };
  return { content: values.length === 0 ? [] : [text(JSON.stringify(values))] };
}

function scalar(value: unknown): string {
  return typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : (JSON.stringify(value) ?? '');
}

function isResult(value: JsonObject): value is ToolResult {
  return Array.isArray(value['content']) && value['content'].every(isContentBlock);
}

/** Told by the fields that each type must have, so that a plain object with a `type` of its own is not taken for one. */
function isContentBlock(value: unknown): value is ContentBlock {
  if (!isJsonObject(value)) return false;
  switch (value['type']) {
    case 'text':
      return typeof value['text'] === 'string';
    case 'image':
    case 'audio':
      return typeof value['data'] === 'string' && typeof value['mimeType'] === 'string';
    case 'resource':
      return isJsonObject(value['resource']) && typeof value['resource']['uri'] === 'string';
    case 'resource_link':
      return typeof value['uri'] === 'string' && typeof value['name'] === 'string';
    default:
      return false;
  }
}
