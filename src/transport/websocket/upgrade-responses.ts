import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { Server as TlsServer } from 'node:tls';
import { ERROR_CODES } from '../../common/index.js';
import { refusalReply, retryAfterSec } from '../http/http-errors.js';
import type { UpgradeRefusal } from './ws-upgrades.js';

/**
 * Refuses an upgrade as the request that it is: with the status of its kind, `403 Forbidden`, `401 Unauthorized`, `503
 * Service Unavailable`, and a body that says what to do.
 * @param challenge how to get in, where a credential would help
 * @see REQUIREMENTS 6.4
 */
export function refuseUpgrade(
  socket: Duplex,
  { kind, message, retryAfterMs }: UpgradeRefusal,
  challenge: string | undefined,
): void {
  const status = ERROR_CODES[kind].http;
  const { text } = refusalReply({ kind, message, retryAfterMs });
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(text)}`,
    ...(challenge === undefined ? [] : [`WWW-Authenticate: ${challenge}`]),
    ...(retryAfterMs === undefined ? [] : [`Retry-After: ${retryAfterSec(retryAfterMs)}`]),
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${text}`);
}

/** Headers that ask for another protocol, and mean nothing to a request that goes on without. */
const OF_UPGRADE: ReadonlySet<string> = new Set(['upgrade', 'http2-settings']);

export function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/**
 * Serves a request that asks for a protocol that we do not speak, such as the `h2c` that clients of Java send with every
 * first request: as if it had not asked. Node hands it over as an upgrade as soon as anybody listens for those, and its
 * parser is gone by then: so the request is put back before what follows it, and read again.
 * @see RFC 9110 section 7.8: a server may ignore an Upgrade field
 */
export function serveWithoutUpgrade(server: Server, req: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = req;
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    const value = withoutUpgrade(name, rawHeaders[at + 1] as string);
    if (value !== undefined) text += `${name}: ${value}\r\n`;
  }
  socket.unshift(Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), head]));
  // With TLS, a connection is one when its handshake is done, which it is.
  server.emit(server instanceof TlsServer ? 'secureConnection' : 'connection', socket);
}

/** @returns the value of a header without what asks for the upgrade; undefined where nothing is left of it */
function withoutUpgrade(name: string, value: string): string | undefined {
  const header = name.toLowerCase();
  if (OF_UPGRADE.has(header)) return undefined;
  if (header !== 'connection') return value;
  const options = value.split(',').map((option) => option.trim());
  return options.filter((option) => !OF_UPGRADE.has(option.toLowerCase())).join(', ') || undefined;
}
