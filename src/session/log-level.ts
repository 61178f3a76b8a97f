/** Severity of a log message to the client (RFC 5424), least severe first. @see MCP 2025-11-25, server/utilities/logging */
export const SESSION_LOG_LEVELS = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
] as const;
export type SessionLogLevel = (typeof SESSION_LOG_LEVELS)[number];

/** @returns the level of this name, or undefined when there is none */
export function sessionLogLevel(name: string | undefined): SessionLogLevel | undefined {
  return SESSION_LOG_LEVELS.find((level) => level === name);
}
