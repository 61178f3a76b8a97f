/** Names of REQUIREMENTS 6.1. */
export type SecurityEvent =
  | 'connection_established'
  | 'connection_closed'
  | 'connection_timeout'
  | 'connection_limit'
  | 'blocked_connection'
  | 'invalid_auth'
  | 'auth_success'
  | 'websocket_error'
  | 'ip_blocked'
  | 'ip_unblocked'
  | 'tool_enabled'
  | 'tool_disabled'
  | 'target_rejected'
  | 'argument_rejected'
  | 'config_reloaded'
  | 'config_rejected'
  | 'token_created'
  | 'token_rotated'
  | 'token_revoked'
  | 'incident_started'
  | 'incident_ended'
  | 'command_executed'
  | 'intrusive_enabled'
  | 'intrusive_disabled'
  | 'insecure_setting'
  | 'session_created'
  | 'session_expired'
  | 'session_limit'
  | 'session_hijack_attempt'
  | 'host_rejected'
  | 'origin_rejected'
  | 'rate_limit_exceeded'
  | 'invalid_input'
  | 'message_too_large'
  | 'tool_denied'
  | 'requests_cancelled'
  | 'server_shutdown';

/** Facts of an event: ids, addresses, sizes; never a token or a body. */
export type SecurityDetails = Readonly<Record<string, string | number | undefined>>;

/** An event, to whoever counts or shows them. */
export interface SecurityNotice {
  readonly event: SecurityEvent;
  readonly severity: 'info' | 'warn';
  readonly details: SecurityDetails;
  /** ms since the epoch. */
  readonly at: number;
}

/** Where security events go. */
export abstract class SecurityLog {
  private readonly listeners = new Set<(notice: SecurityNotice) => void>();

  abstract emit(event: SecurityEvent, details: SecurityDetails): void;

  /** Calls back at each event, also at those of which no line is written. @returns what ends that */
  onEvent(listener: (notice: SecurityNotice) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Tells whoever listens. @param at ms since the epoch */
  protected tell(event: SecurityEvent, details: SecurityDetails, at: number): void {
    if (this.listeners.size === 0) return;
    const notice = { event, severity: severityOf(event), details, at };
    for (const listener of this.listeners) listener(notice);
  }
}

const WARNINGS: ReadonlySet<SecurityEvent> = new Set<SecurityEvent>([
  'connection_limit',
  'blocked_connection',
  'invalid_auth',
  'websocket_error',
  'ip_blocked',
  'ip_unblocked',
  'target_rejected',
  'argument_rejected',
  'config_rejected',
  'token_revoked',
  'incident_started',
  'insecure_setting',
  'intrusive_enabled',
  'session_limit',
  'session_hijack_attempt',
  'host_rejected',
  'origin_rejected',
  'rate_limit_exceeded',
  'invalid_input',
  'message_too_large',
  'tool_denied',
]);

/** How grave an event is. @see REQUIREMENTS 6.1 */
export function severityOf(event: SecurityEvent): 'info' | 'warn' {
  return WARNINGS.has(event) ? 'warn' : 'info';
}
