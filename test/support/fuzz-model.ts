import { isUtf8 } from 'node:buffer';
import { ERROR_CODES } from '../../src/common/index.js';
import { type Frame, isBatch, type Json, type Message } from './messages.js';

// What a text is owed by the specifications, worked out apart from the server: JSON-RPC 2.0 sections 4 to 6, and MCP
// 2025-11-25, basic, "Messages".

export type Id = string | number | null;

/** An answer that must come. */
export interface Answer {
  /** That of the request, or null where none can be read. */
  readonly id: Id;
  /** Method of the request; undefined where the message is not well formed. */
  readonly method: string | undefined;
  /** Whether the request is of 2026-07-28, which has no sessions. */
  readonly isModern: boolean;
}

/** What one frame is owed. */
export interface Owed {
  /** A single answer, one batch of answers, or nothing at all. */
  readonly form: 'one' | 'batch' | 'nothing';
  readonly answers: readonly Answer[];
  /** Whether it is a message at all, or a batch of what may be such. */
  readonly isReadable: boolean;
  /** Ids of requests that it cancels. */
  readonly cancels: readonly unknown[];
}

export interface Door {
  readonly maxBytes: number;
  readonly takesBatches: boolean;
}

const MAX_BATCH = 50;
const MAX_DEPTH = 64;
const MAX_NODES = 100_000;
/** Commas and opening brackets of a text that is not even parsed: it must hold more nodes than are allowed. */
const MAX_MARKS = 2 * MAX_NODES + 1;
const FORBIDDEN: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

const UNREADABLE: Owed = {
  form: 'one',
  answers: [{ id: null, method: undefined, isModern: false }],
  isReadable: false,
  cancels: [],
};
const NOTHING = { form: 'nothing', answers: [], isReadable: true } as const;

/** @param bytes one frame, not blank */
export function owedTo(bytes: Buffer, { maxBytes, takesBatches }: Door): Owed {
  if (bytes.length > maxBytes || !isUtf8(bytes)) return UNREADABLE;
  const text = bytes.toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch {
    return UNREADABLE;
  }
  if (marksIn(text) > MAX_MARKS) return UNREADABLE;
  if (!Array.isArray(value)) return owedToOne(value);
  if (value.length === 0) return UNREADABLE;
  if (!takesBatches || value.length > MAX_BATCH) return { ...UNREADABLE, isReadable: true };
  const members = value.map(owedToOne);
  const answers = members.flatMap((member) => member.answers);
  const cancels = members.flatMap((member) => member.cancels);
  return answers.length > 0 ? { form: 'batch', answers, isReadable: true, cancels } : { ...NOTHING, cancels };
}

function owedToOne(value: unknown): Owed {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return UNREADABLE;
  const message = value as Json;
  const { id, method, params } = message;
  const readable = typeof id === 'string' || Number.isSafeInteger(id) ? (id as Id) : null;
  const isOurs = message['jsonrpc'] === '2.0' && isSound(message);
  const isCall = isOurs && typeof method === 'string' && (params === undefined || isObject(params));
  if (isCall && !('id' in message)) {
    return {
      ...NOTHING,
      cancels: method === 'notifications/cancelled' ? [params?.['requestId']] : [],
    };
  }
  if (isOurs && isAnswer(message, readable)) return { ...NOTHING, cancels: [] };
  const isReadable = isCall && readable !== null;
  const answer = {
    id: readable,
    method: isReadable ? method : undefined,
    isModern: isReadable && isModern(method, params),
  };
  return { form: 'one', answers: [answer], isReadable, cancels: [] };
}

/** @see DESIGN D-1 */
function isModern(method: string, params: Json | undefined): boolean {
  const meta = params?.['_meta'];
  return method === 'server/discover' || (isObject(meta) && 'io.modelcontextprotocol/protocolVersion' in meta);
}

function isAnswer(message: Json, id: Id): boolean {
  const { result, error } = message;
  const hasError = isObject(error) && Number.isInteger(error['code']) && typeof error['message'] === 'string';
  if ('method' in message) return false;
  // An error about what could not be read has no id.
  if ((message['id'] ?? null) === null) return hasError && !('result' in message);
  return id !== null && hasError !== isObject(result);
}

/** Whether a message is within the limits: one walk, without recursion. */
function isSound(root: object): boolean {
  const open: [value: object, depth: number][] = [[root, 1]];
  let nodes = 0;
  for (let next = open.pop(); next; next = open.pop()) {
    const [value, depth] = next;
    if (depth > MAX_DEPTH) return false;
    for (const [key, item] of Object.entries(value) as [string, unknown][]) {
      nodes += 1;
      if (!Array.isArray(value) && FORBIDDEN.has(key)) return false;
      if (typeof item === 'object' && item !== null) open.push([item, depth + 1]);
    }
  }
  return nodes <= MAX_NODES;
}

function marksIn(text: string): number {
  const withoutStrings = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"/g, '');
  return withoutStrings.match(/[,[{]/g)?.length ?? 0;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What stands behind `kind` in the table of errors. */
type Kind = keyof typeof ERROR_CODES;

/** Faults of the server itself: nothing that a client sends may lead to them. */
const OWN_FAULTS: ReadonlySet<unknown> = new Set<Kind>(['internal', 'invalid_result']);
const STACK = /\n\s+at |node:internal|node_modules/;

/**
 * Sees that an answer is one: result or error, an id that it may carry, an error of the table.
 * @returns its kind, where it is an error
 * @throws Error what is wrong with it
 */
export function checkAnswer(message: Message, owedId: Id): Kind | undefined {
  const { jsonrpc, id = null, result, error } = message;
  const keys = Object.keys(message).sort().join();
  if (jsonrpc !== '2.0' || !['id,jsonrpc,result', 'error,id,jsonrpc', 'error,jsonrpc'].includes(keys))
    throw new Error('It is no answer');
  // -0 went out as 0, which is the same number.
  if (id !== owedId) throw new Error(`Its id is not ${JSON.stringify(owedId)}`);
  if (!error) return checkResult(result);
  const { code, message: text, data } = error;
  const kind = data?.['kind'] as Kind;
  const row = Object.hasOwn(ERROR_CODES, kind) ? ERROR_CODES[kind] : undefined;
  if (!row || ![row.legacy, row.modern].some((known) => known === code))
    throw new Error('Its error is not of the table');
  // An id that could not be read is left out in the words of 2026-07-28 alone.
  if (!('id' in message) && row.modern !== code) throw new Error('Its id is left out');
  if (typeof text !== 'string' || text === '' || STACK.test(text)) throw new Error('Its message is none for a caller');
  if (OWN_FAULTS.has(kind)) throw new Error('It is a fault of the server');
  return kind;
}

function checkResult(result: Json | undefined): undefined {
  if (!isObject(result)) throw new Error('Its result is no object');
  if (result['isError'] !== true) return undefined;
  const told = (result['_meta'] as Json | undefined)?.['mcp-gatehouse/error'] as Json | undefined;
  if (OWN_FAULTS.has(told?.['kind'])) throw new Error('It is a fault of the server');
  return undefined;
}

/** @throws Error a frame that was not asked for is no notification */
export function checkNotification(frame: Frame): void {
  if (isBatch(frame) || frame.jsonrpc !== '2.0' || typeof frame.method !== 'string' || 'id' in frame) {
    throw new Error(`This is no notification: ${JSON.stringify(frame).slice(0, 500)}`);
  }
}
