import type { ErrorKind } from '../common/index.js';

/** One call, as it is written down. Arguments are never kept. */
export interface AuditEntry {
  readonly requestId: string;
  readonly door: string;
  /** `issuer/subject`. */
  readonly principal: string;
  /** Hash of the session id, where there is a session. */
  readonly session: string | undefined;
  /** `tool:echo`, `resource:server://info`, `prompt:server-overview`. */
  readonly target: string;
  readonly outcome: 'success' | 'failure' | 'timeout' | 'cancelled' | 'refused' | 'waiting';
  /** Why, where it is not success. */
  readonly kind: ErrorKind | undefined;
  /** >= 0, with fractions. */
  readonly durationMs: number;
}

/** The record of who called what. Writing never blocks a call. */
export abstract class AuditLog {
  abstract record(entry: AuditEntry): void;
}
