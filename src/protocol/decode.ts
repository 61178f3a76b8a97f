import { isJsonObject, type ErrorKind, type JsonObject } from '../common/index.js';
import { surelyHoldsMoreThan } from './count-nodes.js';
import type { Message, RequestId } from './json-rpc.js';

/** How large a message may be, in what it holds (its bytes are counted by the door). */
export interface DecodeLimits {
  /** Nesting of objects and arrays, >= 1. */
  readonly maxDepth: number;
  /** Object keys and array items in all, >= 1. */
  readonly maxNodes: number;
}

export const DECODE_LIMITS: DecodeLimits = Object.freeze({ maxDepth: 64, maxNodes: 100_000 });

/** A text that is not a message: what to answer. The id is echoed where it could be read. */
export interface Malformed {
  readonly fault: { readonly kind: ErrorKind; readonly message: string };
  readonly id: RequestId | null;
  /** Size of the text, where it was one message. */
  readonly bytes?: number;
}

export type Decoded = Message | Malformed;

export function isMalformed(decoded: Decoded): decoded is Malformed {
  return 'fault' in decoded;
}

/** Whether it is the request that opens a session. */
export function isInitialize(decoded: Decoded | readonly Decoded[]): boolean {
  return !Array.isArray(decoded) && 'id' in decoded && 'method' in decoded && decoded.method === 'initialize';
}

const malformed = (kind: ErrorKind, message: string, id: RequestId | null = null): Malformed => ({
  fault: { kind, message },
  id,
});

/**
 * Reads JSON text as one message or as a batch.
 * @param text one frame, line or body, whole
 * @returns one decoded message, or the batch's members in their order (an empty batch is malformed)
 * @see JSON-RPC 2.0 sections 4 to 6; REQUIREMENTS S1-13, S2-23, S2-24, W-11
 */
export function decode(text: string, limits: DecodeLimits = DECODE_LIMITS): Decoded | Decoded[] {
  if (surelyHoldsMoreThan(text, limits.maxNodes)) return sized(malformed('too_complex', tooMany(limits)), text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return sized(malformed('parse_error', 'Parse error'), text);
  }
  if (!Array.isArray(value)) return sized(decodeValue(value, limits), text);
  if (value.length === 0) return sized(malformed('invalid_request', 'Invalid request: empty batch'), text);
  return value.map((member) => decodeValue(member, limits));
}

/** Only what is refused is measured: the rest has been, by its door. */
function sized(decoded: Decoded, text: string): Decoded {
  return isMalformed(decoded) ? { ...decoded, bytes: Buffer.byteLength(text) } : decoded;
}

function decodeValue(value: unknown, limits: DecodeLimits): Decoded {
  if (!isJsonObject(value))
    return malformed('invalid_request', `Invalid request: expected object, got ${nameOf(value)}`);
  const id = readId(value);
  const echo = id ?? null;
  const fault = new Inspection(limits).inspect(value, 1);
  if (fault) return malformed(fault.kind, fault.message, echo);
  if (value['jsonrpc'] !== '2.0')
    return malformed('invalid_request', 'Invalid request: Invalid JSON-RPC version', echo);
  if (isErrorWithoutId(value)) return value as unknown as Message;
  if ('id' in value && id === undefined) {
    return malformed('invalid_request', 'Invalid request: id must be a string or an integer of 53 bits at most');
  }
  return 'method' in value ? decodeCall(value, echo) : decodeResponse(value, id);
}

/**
 * Looks through a value that somebody else has parsed, for what no message may hold.
 * @returns what is wrong with it; undefined for what is no object or array, as for what is sound
 */
export function findForbidden(value: unknown, limits: DecodeLimits = DECODE_LIMITS): Malformed['fault'] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return new Inspection(limits).inspect(value as JsonObject | unknown[], 1);
}

function decodeCall(value: JsonObject, id: RequestId | null): Decoded {
  if (typeof value['method'] !== 'string') {
    return malformed('invalid_request', 'Invalid request: method must be a string', id);
  }
  if ('params' in value && !isJsonObject(value['params'])) {
    return malformed('invalid_request', 'Invalid request: params must be an object', id);
  }
  return value as unknown as Message;
}

function decodeResponse(value: JsonObject, id: RequestId | undefined): Decoded {
  const hasResult = isJsonObject(value['result']);
  if (id === undefined || hasResult === hasError(value)) {
    return malformed('invalid_request', 'Invalid request: Invalid JSON-RPC structure', id ?? null);
  }
  return value as unknown as Message;
}

/**
 * Whether the other side tells of a message that it could not read. To answer such an error with another would go on
 * for ever.
 * @see JSON-RPC 2.0 section 5; MCP 2025-11-25, basic, "Error Responses"
 */
function isErrorWithoutId(value: JsonObject): boolean {
  return (value['id'] ?? null) === null && !('method' in value) && !('result' in value) && hasError(value);
}

function hasError({ error }: JsonObject): boolean {
  return isJsonObject(error) && Number.isInteger(error['code']) && typeof error['message'] === 'string';
}

// A larger integer was rounded when it was parsed: it would come back as another id.
function readId(value: JsonObject): RequestId | undefined {
  const id = value['id'];
  return typeof id === 'string' || Number.isSafeInteger(id) ? (id as RequestId) : undefined;
}

function nameOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/** One walk through a parsed message: forbidden keys, depth, size. Data is refused, never edited (W-11). */
class Inspection {
  private nodes = 0;

  constructor(private readonly limits: DecodeLimits) {}

  inspect(value: JsonObject | unknown[], depth: number): { kind: ErrorKind; message: string } | undefined {
    if (depth > this.limits.maxDepth) {
      return { kind: 'too_complex', message: `Invalid request: nested deeper than ${this.limits.maxDepth} levels` };
    }
    if (Array.isArray(value)) {
      this.nodes += value.length;
      if (this.nodes > this.limits.maxNodes) return this.tooMany();
      for (const item of value) {
        const fault =
          typeof item === 'object' && item !== null ? this.inspect(item as JsonObject, depth + 1) : undefined;
        if (fault) return fault;
      }
      return undefined;
    }
    for (const key in value) {
      if (++this.nodes > this.limits.maxNodes) return this.tooMany();
      if (key === '__proto__' || key === 'constructor' || key === 'prototype') {
        return { kind: 'forbidden_key', message: `Invalid request: forbidden key "${key}"` };
      }
      const item = value[key];
      const fault = typeof item === 'object' && item !== null ? this.inspect(item as JsonObject, depth + 1) : undefined;
      if (fault) return fault;
    }
    return undefined;
  }

  private tooMany(): { kind: ErrorKind; message: string } {
    return { kind: 'too_complex', message: tooMany(this.limits) };
  }
}

function tooMany({ maxNodes }: DecodeLimits): string {
  return `Invalid request: more than ${maxNodes} keys and items`;
}
