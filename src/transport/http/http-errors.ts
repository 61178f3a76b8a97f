import type { ServerResponse } from 'node:http';
import { ERROR_CODES, type ErrorKind } from '../../common/index.js';
import { errorReply, type Reply } from '../../dispatch/index.js';
import { eraOfCaller } from './http-rules.js';

const MS_PER_SEC = 1_000;

/**
 * Answers a request that cannot be served, with the status of its kind and a JSON-RPC error without id.
 * @param retryAfterMs when it may succeed, where that is known
 */
export function refuse(res: ServerResponse, kind: ErrorKind, message: string, retryAfterMs?: number): void {
  const reply = refusalReply({ kind, message, retryAfterMs }, eraOfCaller(res.req));
  writeReply(res, reply, ERROR_CODES[kind].http);
}

/** What a refusal says: the same on a request and on an upgrade. */
export function refusalReply(
  { kind, message, retryAfterMs }: { kind: ErrorKind; message: string; retryAfterMs?: number | undefined },
  era: 'legacy' | 'modern' = 'legacy',
): Reply {
  return errorReply(null, { kind, message, ...(retryAfterMs !== undefined && { data: { retryAfterMs } }) }, { era });
}

/** @returns the HTTP status of a reply: that of a fault of the message itself, else 200 */
export function statusOf(reply: Reply): number {
  return reply.kind !== undefined && reply.isEnvelopeFault ? ERROR_CODES[reply.kind].http : 200;
}

/** Writes a reply as one JSON body. */
export function writeReply(res: ServerResponse, reply: Reply, status: number): void {
  if (res.headersSent || res.destroyed) return;
  if (reply.retryAfterMs !== undefined) res.setHeader('Retry-After', retryAfterSec(reply.retryAfterMs));
  // A string, not a buffer: Node then sends head and body in one write.
  res.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(reply.text) });
  res.end(reply.text);
}

/** @returns a Retry-After that is no moment too early, s */
export function retryAfterSec(ms: number): number {
  return Math.ceil(ms / MS_PER_SEC);
}
