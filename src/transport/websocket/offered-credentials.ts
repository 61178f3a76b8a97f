import type { IncomingMessage } from 'node:http';

const BEARER = 'bearer.';
const TICKET = 'ticket.';

/** What a client shows when it opens a WebSocket; never by its URL (S2-8). */
export interface OfferedCredentials {
  /** As in an Authorization header. */
  readonly authorization: string | undefined;
  /** One-time ticket; only where there is no authorization. */
  readonly ticket: string | undefined;
  /** What it came by; `certificate` where nothing else was shown. */
  readonly carrier: 'header' | 'sub-protocol' | 'ticket' | 'certificate';
}

/**
 * The Authorization header, or what stands for it among the sub-protocols, as browsers can set no header: `bearer.` and
 * the token as base64url, or `ticket.` and a ticket (D-18).
 */
export function offeredCredentials({ headers }: IncomingMessage): OfferedCredentials {
  const { authorization } = headers;
  if (authorization !== undefined) return { authorization, ticket: undefined, carrier: 'header' };
  const offered = protocolsOf(headers['sec-websocket-protocol']);
  const token = offered.find((protocol) => protocol.startsWith(BEARER))?.slice(BEARER.length);
  if (token !== undefined) {
    const bearer = `Bearer ${Buffer.from(token, 'base64url').toString('utf8')}`;
    return { authorization: bearer, ticket: undefined, carrier: 'sub-protocol' };
  }
  const ticket = offered.find((protocol) => protocol.startsWith(TICKET))?.slice(TICKET.length);
  return { authorization: undefined, ticket, carrier: ticket === undefined ? 'certificate' : 'ticket' };
}

function protocolsOf(header: string | undefined): readonly string[] {
  return (header ?? '').split(',').map((protocol) => protocol.trim());
}
