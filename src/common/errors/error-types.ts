import type { ErrorKind } from './error-codes.js';

/** How a call of a tool failed, in the few words that outputs of tools, metrics and alerts group by. @see REQUIREMENTS 6.3 */
export type ToolErrorType =
  | 'timeout'
  | 'not_found'
  | 'validation_error'
  | 'execution_error'
  | 'resource_exhausted'
  | 'circuit_breaker_open'
  | 'unknown'
  | 'cancelled'
  | 'permission_denied'
  | 'rate_limited';

const BY_KIND: Partial<Record<ErrorKind, ToolErrorType>> = {
  timeout: 'timeout',
  invalid_params: 'validation_error',
  tool_failed: 'execution_error',
  server_busy: 'resource_exhausted',
  breaker_open: 'circuit_breaker_open',
  cancelled: 'cancelled',
  rate_limited: 'rate_limited',
  tool_disabled: 'permission_denied',
  permission_denied: 'permission_denied',
  insufficient_scope: 'permission_denied',
  read_only: 'permission_denied',
  quarantined: 'permission_denied',
};

/** @returns `unknown` for what a caller can do nothing about */
export function errorTypeOf(kind: ErrorKind): ToolErrorType {
  return BY_KIND[kind] ?? 'unknown';
}
