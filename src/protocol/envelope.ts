import { isJsonObject, type JsonObject, ProtocolError } from '../common/index.js';
import { LEGACY_REVISIONS, MODERN_REVISION } from './revisions.js';

const PREFIX = 'io.modelcontextprotocol/';
/** `_meta` keys of 2026-07-28. @see MCP 2026-07-28, basic, "_meta" */
export const META = {
  protocolVersion: `${PREFIX}protocolVersion`,
  clientInfo: `${PREFIX}clientInfo`,
  clientCapabilities: `${PREFIX}clientCapabilities`,
  logLevel: `${PREFIX}logLevel`,
  serverInfo: `${PREFIX}serverInfo`,
  subscriptionId: `${PREFIX}subscriptionId`,
} as const;

/** Every revision that is served, newest first: what errors and `server/discover` name. */
export const SUPPORTED_REVISIONS: readonly string[] = [MODERN_REVISION, ...[...LEGACY_REVISIONS].reverse()];

/** What a modern request says of its sender, instead of a session. */
export interface Envelope {
  readonly capabilities: JsonObject;
  /** Not checked against the known levels. */
  readonly logLevel: string | undefined;
  readonly progressToken: string | number | undefined;
}

/**
 * The era switch: a request is modern (2026-07-28) when its envelope says so, or when it is `server/discover`.
 * @see DESIGN D-1
 */
export function eraOf(message: { readonly method?: string; readonly params?: JsonObject }): 'legacy' | 'modern' {
  if (message.method === 'server/discover') return 'modern';
  const meta = message.params?.['_meta'];
  return typeof meta === 'object' && meta !== null && META.protocolVersion in meta ? 'modern' : 'legacy';
}

/** @returns the revision that a request names in its envelope, if it names one */
export function revisionOf(params: JsonObject | undefined): string | undefined {
  const meta = params?.['_meta'];
  const revision = isJsonObject(meta) ? meta[META.protocolVersion] : undefined;
  return typeof revision === 'string' ? revision : undefined;
}

/**
 * Reads the envelope of a modern request.
 * @throws ProtocolError invalid_envelope (a required field is missing), unsupported_revision
 * @see MCP 2026-07-28, basic, "Per-request protocol fields"
 */
export function readEnvelope(params: JsonObject | undefined): Envelope {
  const meta = params?.['_meta'];
  if (!isJsonObject(meta)) throw incomplete('_meta');
  const revision = meta[META.protocolVersion];
  if (typeof revision !== 'string') throw incomplete(META.protocolVersion);
  if (revision !== MODERN_REVISION) throw unsupportedRevision(revision);
  const capabilities = meta[META.clientCapabilities];
  if (!isJsonObject(capabilities)) throw incomplete(META.clientCapabilities);
  const logLevel = meta[META.logLevel];
  if (logLevel !== undefined && typeof logLevel !== 'string') throw incomplete(META.logLevel);
  return { capabilities, logLevel, progressToken: progressTokenOf(meta) };
}

/**
 * @param meta `params._meta` of a request
 * @throws ProtocolError invalid_params: it is no token
 * @see MCP 2025-11-25, basic/utilities/progress, "Progress Flow"
 */
export function progressTokenOf({ progressToken: token }: JsonObject): string | number | undefined {
  if (token === undefined || typeof token === 'string' || Number.isSafeInteger(token)) {
    return token as string | number | undefined;
  }
  throw new ProtocolError('invalid_params', 'Invalid params: progressToken must be a string or an integer');
}

function unsupportedRevision(requested: string): ProtocolError {
  return new ProtocolError('unsupported_revision', 'Unsupported protocol version', {
    data: { supported: SUPPORTED_REVISIONS, requested },
  });
}

function incomplete(field: string): ProtocolError {
  return new ProtocolError('invalid_envelope', `Invalid params: every request needs ${field} in _meta, of its type`);
}
