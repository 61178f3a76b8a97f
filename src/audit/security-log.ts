import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../common/index.js';
import { MetricsRecorder } from '../metrics/index.js';

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
  | 'token_rotated'
  | 'token_revoked'
  | 'incident_started'
  | 'incident_ended'
  | 'command_executed'
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

/** Where security events go. */
export abstract class SecurityLog {
  abstract emit(event: SecurityEvent, details: SecurityDetails): void;
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
  'session_limit',
  'session_hijack_attempt',
  'host_rejected',
  'origin_rejected',
  'rate_limit_exceeded',
  'invalid_input',
  'message_too_large',
  'tool_denied',
]);

/** One line per event: `[SECURITY] {"timestamp":…,"event":…}` (S2-27); JSON escaping keeps it one line. */
@Injectable()
export class LoggerSecurityLog extends SecurityLog {
  private readonly logger = new Logger('Security');

  constructor(
    private readonly clock: Clock,
    private readonly metrics: MetricsRecorder,
  ) {
    super();
  }

  override emit(event: SecurityEvent, details: SecurityDetails): void {
    this.metrics.securityEvent(event, details['transport']);
    const line = { timestamp: new Date(this.clock.now()).toISOString(), event, ...details };
    const text = `[SECURITY] ${JSON.stringify(line)}`;
    if (WARNINGS.has(event)) this.logger.warn(text);
    else this.logger.debug(text);
  }
}
