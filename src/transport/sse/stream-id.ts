import type { IncomingMessage } from 'node:http';

/** Names under which clients send the id of their stream, best first (K-8). */
const PARAMETERS = ['sessionId', 'client_id'] as const;
const HEADERS = ['x-client-id', 'x-mcp-session-id'] as const;

/** @returns the id of the stream that a POST names, whether or not there is such a stream */
export function streamIdOf(req: IncomingMessage): string | undefined {
  const query = queryOf(req);
  for (const name of PARAMETERS) {
    const value = query.get(name);
    if (value !== null) return value;
  }
  return HEADERS.map((name) => req.headers[name]).find((value) => typeof value === 'string');
}

/** Whether a client wants its id told by a data event: it is of the older form (K-7). What it proposes is only a label. */
export function asksForClientId(req: IncomingMessage): boolean {
  return queryOf(req).has('client_id') || 'x-client-id' in req.headers;
}

function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  const start = url.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : url.slice(start + 1));
}
