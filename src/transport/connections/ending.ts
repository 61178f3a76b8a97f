/** How the server ends a connection: a WebSocket says it with code and reason, other doors by closing. */
export interface Ending {
  /** @see RFC 6455 section 7.4; REQUIREMENTS 6.4 */
  readonly code: number;
  /** <= 123 bytes. */
  readonly reason: string;
}

/** Close codes of REQUIREMENTS 6.4. */
export const ENDING = {
  idle: { code: 1001, reason: 'Connection timeout' },
  shutdown: { code: 1001, reason: 'Server shutting down' },
  binary: { code: 1003, reason: 'Send text frames' },
  forbidden: { code: 1008, reason: 'Forbidden' },
  tooMany: { code: 1008, reason: 'Maximum connections reached' },
  tooOften: { code: 1008, reason: 'Rate limit exceeded' },
  unproven: { code: 1008, reason: 'Authentication required' },
  disproven: { code: 1008, reason: 'Authentication failed' },
  unread: { code: 1008, reason: 'Messages are not read' },
  sessionEnded: { code: 1008, reason: 'Session ended' },
  tooLarge: { code: 1009, reason: 'Message too large' },
  internal: { code: 1011, reason: 'Internal error' },
  expired: { code: 4401, reason: 'Credential expired' },
  revoked: { code: 4401, reason: 'Credential revoked' },
} as const satisfies Record<string, Ending>;

/** What is noted where a connection broke, or was cut, and nobody said goodbye. @see RFC 6455 section 7.1.5 */
export const BROKEN: Ending = { code: 1006, reason: '' };
/** What is noted where a client left in order. */
export const LEFT: Ending = { code: 1000, reason: '' };
