import { isJsonObject, type JsonObject } from '../common/index.js';

/** A JSON-RPC id: MCP allows no null. */
export type RequestId = string | number;

export interface RequestMessage {
  readonly jsonrpc: '2.0';
  readonly id: RequestId;
  readonly method: string;
  readonly params?: JsonObject;
}

export interface NotificationMessage {
  readonly jsonrpc: '2.0';
  readonly method: string;
  readonly params?: JsonObject;
}

/** The answer to a request: one of ours, or a client's to one that we sent. */
export interface ResponseMessage {
  readonly jsonrpc: '2.0';
  /** Null or missing in an error about a message whose id could not be read. */
  readonly id?: RequestId | null;
  readonly result?: JsonObject;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export type Message = RequestMessage | NotificationMessage | ResponseMessage;

export function isRequest(message: Message): message is RequestMessage {
  return 'method' in message && 'id' in message;
}

export function isNotification(message: Message): message is NotificationMessage {
  return 'method' in message && !('id' in message);
}

/** A result that was serialised beforehand: spliced into the answer as it is. */
export class SerializedResult {
  constructor(readonly json: string) {}
}

/** @returns the text of a success response */
export function encodeResult(id: RequestId, result: JsonObject | SerializedResult): string {
  const json = result instanceof SerializedResult ? result.json : JSON.stringify(result);
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${json}}`;
}

/**
 * @param about the server's `_meta` of every result, as JSON: one object, not empty
 * @returns the JSON of a result of 2026-07-28: with its type, and what the server says of itself
 * @see MCP 2026-07-28, basic, "Result Responses" and "Per-response protocol fields"
 */
export function modernBody(result: JsonObject, about: string): string {
  const { _meta: own, resultType = 'complete', ...rest } = result;
  const meta = isJsonObject(own) ? spliced(about, JSON.stringify(own)) : about;
  return spliced(`{"resultType":${JSON.stringify(resultType)},"_meta":${meta}}`, JSON.stringify(rest));
}

/** @returns one JSON object with the members of two, the first of which is not empty */
function spliced(first: string, second: string): string {
  return second === '{}' ? first : `${first.slice(0, -1)},${second.slice(1)}`;
}

/** @returns the text of a request to a client */
export function encodeRequest(id: string, method: string, params?: JsonObject): string {
  return JSON.stringify(params ? { jsonrpc: '2.0', id, method, params } : { jsonrpc: '2.0', id, method });
}

/**
 * @param id null or undefined where the request's could not be read: null says so, as JSON-RPC demands, and undefined
 *   leaves it out, as 2026-07-28 does
 * @returns the text of an error response
 */
export function encodeError(
  id: RequestId | null | undefined,
  error: { code: number; message: string; data?: unknown },
): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error });
}

/** @returns the text of a notification */
export function encodeNotification(method: string, params?: JsonObject): string {
  return JSON.stringify(params ? { jsonrpc: '2.0', method, params } : { jsonrpc: '2.0', method });
}
