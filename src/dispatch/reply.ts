import { ERROR_CODES, type ErrorKind, type JsonObject } from '../common/index.js';
import { encodeError, encodeResult, type RequestId, type SerializedResult } from '../protocol/index.js';

/** The answer to one message, encoded; the door frames it. */
export interface Reply {
  readonly text: string;
  /** What is wrong, where it is an error. */
  readonly kind?: ErrorKind;
  /** Whether the fault is of the message itself rather than of what it asks for: HTTP then says so with its status. */
  readonly isEnvelopeFault?: boolean;
  readonly retryAfterMs?: number | undefined;
  /** Scopes that would do, where the credential lacks one. */
  readonly requiredScopes?: readonly string[] | undefined;
}

/** What an error says to its caller. */
export interface Failure {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly data?: JsonObject | undefined;
}

export function successReply(id: RequestId, result: JsonObject | SerializedResult): Reply {
  return { text: encodeResult(id, result) };
}

/**
 * The one place where an error gets its number: code by era, kind and request id in `data`.
 * @see DESIGN D-4
 */
export function errorOf(
  { kind, message, data }: Failure,
  era: 'legacy' | 'modern',
  requestId?: string,
): { code: number; message: string; data: JsonObject } {
  // A plug-in in plain JavaScript, or with a copy of its own, may bring a kind that is not in the table.
  const { [era]: code } = Object.hasOwn(ERROR_CODES, kind) ? ERROR_CODES[kind] : ERROR_CODES.internal;
  return { code, message, data: { kind, ...(requestId && { requestId }), ...data } };
}

/** @param id of the request; null where it could not be read */
export function errorReply(
  id: RequestId | null,
  failure: Failure,
  { requestId, era = 'legacy' }: { readonly requestId?: string | undefined; readonly era?: 'legacy' | 'modern' } = {},
): Reply {
  const { kind, data } = failure;
  const retryAfterMs = data?.['retryAfterMs'];
  return {
    text: encodeError(era === 'modern' ? (id ?? undefined) : id, errorOf(failure, era, requestId)),
    kind,
    isEnvelopeFault: ENVELOPE_FAULTS.has(kind) || (era === 'modern' && MODERN_ENVELOPE_FAULTS.has(kind)),
    retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : undefined,
    ...(kind === 'insufficient_scope' && { requiredScopes: textsOf(data?.['requiredScopes']) }),
  };
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

const ENVELOPE_FAULTS: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'parse_error',
  'invalid_request',
  'message_too_large',
  'forbidden_key',
  'too_complex',
  'batch_not_allowed',
  'duplicate_request_id',
  'not_initialized',
  'already_initialized',
  'unsupported_revision',
  'rate_limited',
  'session_limit',
  'session_required',
  'session_not_found',
  'shutting_down',
  'auth_required',
  'auth_failed',
  'insufficient_scope',
  'quarantined',
]);

/** What 2026-07-28 demands a status for besides. @see MCP 2026-07-28, basic/transports/streamable-http */
const MODERN_ENVELOPE_FAULTS: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'method_not_found',
  'invalid_envelope',
  'header_mismatch',
  'missing_capability',
]);
