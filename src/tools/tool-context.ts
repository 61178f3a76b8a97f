import type { Principal } from '../auth/index.js';

/** Severity of a log message to the client (RFC 5424), least severe first. */
export const LOG_SEVERITIES = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const;
export type LogSeverity = (typeof LOG_SEVERITIES)[number];

/** What a tool, resource or prompt is handed about the call that it serves. */
export interface CallContext {
  /** Who calls. */
  readonly principal: Principal;
  /** Unique id of this call, as in logs and audit: `req-…`. */
  readonly requestId: string;
  /** Aborted when the caller cancels or leaves, at the deadline, and when the server ends. Hand it on to what you await. */
  readonly signal: AbortSignal;
  /** When the call is ended, ms since the epoch. */
  readonly deadline: number;

  /**
   * Tells the client how far the work is; does nothing when the client did not ask for it.
   * @param progress grows with each call, any unit
   * @param total of the same unit, where it is known
   * @see MCP 2025-11-25, basic/utilities/progress
   */
  progress(progress: number, total?: number, message?: string): void;

  /**
   * Sends a log message to the client, when the session's level lets it through.
   * @param data any JSON value; never a secret
   * @see MCP 2025-11-25, server/utilities/logging
   */
  log(level: LogSeverity, data: unknown, logger?: string): void;
}

/** {@link CallContext}, as tools know it. */
export type ToolContext = CallContext;
