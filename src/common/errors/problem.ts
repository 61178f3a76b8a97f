import { STATUS_CODES } from 'node:http';
import { ERROR_CODES, type ErrorKind } from './error-codes.js';

/** What REST says of an error. @see RFC 9457 */
export interface Problem {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** An error, as a caller may know it. */
export interface ProblemFacts {
  readonly kind: ErrorKind;
  /** What happened, and what to do next. */
  readonly message: string;
  readonly requestId: string;
  /** JSON beside it: `retryAfterMs`, `faults`. */
  readonly data?: Readonly<Record<string, unknown>> | undefined;
}

const MS_PER_SEC = 1_000;
const UNPROCESSABLE = 422;

/** @returns an error as problem+json: never a stack, a path or a secret */
export function problemOf({ kind, message, requestId, data = {} }: ProblemFacts): Problem {
  const known: ErrorKind = Object.hasOwn(ERROR_CODES, kind) ? kind : 'internal';
  // JSON that is well formed and does not fit: RFC 9110 section 15.5.21.
  const status = known === 'invalid_params' ? UNPROCESSABLE : ERROR_CODES[known].http;
  const { retryAfterMs } = data;
  return {
    status,
    headers: {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      ...(typeof retryAfterMs === 'number' && { 'Retry-After': String(Math.ceil(retryAfterMs / MS_PER_SEC)) }),
      ...(status === ERROR_CODES.auth_required.http && { 'WWW-Authenticate': 'Bearer' }),
    },
    body: {
      ...data,
      type: `urn:mcp-gatehouse:error:${known}`,
      title: STATUS_CODES[status] ?? 'Error',
      status,
      detail: message,
      kind: known,
      requestId,
    },
  };
}
