import type { ServerResponse } from 'node:http';
import { ERROR_CODES, type ErrorKind, type JsonObject } from '../../common/index.js';
import { errorReply, type Reply } from '../../dispatch/index.js';

const MS_PER_SEC = 1_000;

/** Answers a request that cannot be served, with the status of its kind and a JSON-RPC error without id. */
export function refuse(res: ServerResponse, kind: ErrorKind, message: string, data?: JsonObject): void {
  writeReply(res, errorReply(null, { kind, message, data }), ERROR_CODES[kind].http);
}

/** @returns the HTTP status of a reply: that of a fault of the message itself, else 200 */
export function statusOf(reply: Reply): number {
  return reply.kind !== undefined && reply.isEnvelopeFault ? ERROR_CODES[reply.kind].http : 200;
}

/** Writes a reply as one JSON body. */
export function writeReply(res: ServerResponse, reply: Reply, status: number): void {
  if (res.headersSent || res.destroyed) return;
  if (reply.retryAfterMs !== undefined) res.setHeader('Retry-After', Math.ceil(reply.retryAfterMs / MS_PER_SEC));
  // A string, not a buffer: Node then sends head and body in one write.
  res.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(reply.text) });
  res.end(reply.text);
}
