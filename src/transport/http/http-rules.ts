import type { IncomingMessage } from 'node:http';
import { type ErrorKind, printable, ProtocolError } from '../../common/index.js';
import {
  type Decoded,
  eraOf,
  isLegacyRevision,
  isMalformed,
  isNotification,
  isRequest,
  MODERN_REVISION,
  type RequestId,
  type RequestMessage,
  SUPPORTED_REVISIONS,
} from '../../protocol/index.js';

/** Characters of a header that are told back. */
const MAX_SHOWN = 64;

/** What most clients send, compared as it is before anything is parsed. */
const USUAL_ACCEPT = 'application/json, text/event-stream';

/**
 * The media types of a POST: it brings JSON, and takes JSON and events.
 * @throws ProtocolError unsupported_media_type, not_acceptable
 * @see MCP 2025-11-25, basic/transports, "Sending Messages to the Server"
 */
export function checkMediaTypes(req: IncomingMessage): void {
  checkContentType(req);
  if (!accepts(req, 'application/json') || !accepts(req, 'text/event-stream')) {
    throw new ProtocolError('not_acceptable', `Not Acceptable: send Accept: ${USUAL_ACCEPT}`);
  }
}

/**
 * A POST brings JSON, as it is.
 * @throws ProtocolError unsupported_media_type
 */
export function checkContentType(req: IncomingMessage): void {
  const type = req.headers['content-type'];
  if (type !== 'application/json' && type?.split(';', 1)[0]?.trim().toLowerCase() !== 'application/json') {
    throw new ProtocolError('unsupported_media_type', 'Unsupported Media Type: send Content-Type: application/json');
  }
  const encoding = req.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new ProtocolError('unsupported_media_type', 'Unsupported Media Type: send the body without Content-Encoding');
  }
}

/**
 * Whether a request takes a media type: the most specific range that names it decides. One without an Accept header
 * takes any.
 * @see RFC 9110 section 12.5.1
 */
export function accepts(req: IncomingMessage, type: 'application/json' | 'text/event-stream'): boolean {
  const { accept } = req.headers;
  if (accept === undefined || accept === USUAL_ACCEPT) return true;
  const ranges = accept.split(',').map((range) => {
    const [name, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    return { name, isTaken: !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)) };
  });
  for (const name of [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*']) {
    const named = ranges.filter((range) => range.name === name);
    if (named.length > 0) return named.some(({ isTaken }) => isTaken);
  }
  return false;
}

/**
 * The revision header, where a client sends one.
 * @throws ProtocolError unsupported_revision
 * @see MCP 2025-11-25, basic/transports, "Protocol Version Header"
 */
export function checkRevision(req: IncomingMessage): void {
  const revision = req.headers['mcp-protocol-version'];
  if (revision === undefined || isLegacyRevision(revision)) return;
  if (revision === MODERN_REVISION) {
    throw new ProtocolError('header_mismatch', 'Header mismatch: mcp-protocol-version has no counterpart in the body');
  }
  throw new ProtocolError(
    'unsupported_revision',
    `Bad Request: Unsupported protocol version (supported versions: ${SUPPORTED_REVISIONS.join(', ')})`,
    { data: { supported: SUPPORTED_REVISIONS, requested: printable(String(revision), MAX_SHOWN) } },
  );
}

/** The era of whoever sends a request, by what its headers say. */
export function eraOfCaller({ headers }: IncomingMessage): 'legacy' | 'modern' {
  return headers['mcp-protocol-version'] === MODERN_REVISION ? 'modern' : 'legacy';
}

/**
 * In whose words a client is told what is wrong: one that names a revision beyond the legacy ones in its headers is of
 * a later era, and finds its way by the code alone (D-1).
 * @see MCP 2026-07-28, basic/transports/streamable-http, "Backward Compatibility"
 */
export function eraOfFault(kind: ErrorKind, req: IncomingMessage): 'legacy' | 'modern' {
  return kind === 'header_mismatch' || kind === 'unsupported_revision' ? 'modern' : eraOfCaller(req);
}

export function isBatch(decoded: Decoded | readonly Decoded[]): decoded is readonly Decoded[] {
  return Array.isArray(decoded);
}

/** @returns the message, where it is one request of 2026-07-28 */
export function modernRequest(decoded: Decoded | readonly Decoded[]): RequestMessage | undefined {
  if (isBatch(decoded) || isMalformed(decoded) || !isRequest(decoded)) return undefined;
  return eraOf(decoded) === 'modern' ? decoded : undefined;
}

/** A client of 2026-07-28 has nothing to notify of over HTTP: what it sends all the same is taken and let go. */
export function isModernNotification(decoded: Decoded | readonly Decoded[], req: IncomingMessage): boolean {
  const isNotice = !isBatch(decoded) && !isMalformed(decoded) && isNotification(decoded);
  return isNotice && req.headers['mcp-protocol-version'] === MODERN_REVISION;
}

/** @returns the id that the answer to a POST carries: the request's, null where there is none to be read */
export function requestIdOf(decoded: Decoded | readonly Decoded[]): RequestId | null {
  if (isBatch(decoded)) return null;
  return isMalformed(decoded) || isRequest(decoded) ? decoded.id : null;
}
