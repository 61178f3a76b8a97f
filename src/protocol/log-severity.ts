/** Severity of a log message to the client (RFC 5424), least severe first. @see MCP 2025-11-25, server/utilities/logging */
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

/** @returns the severity of this name, or undefined when there is none */
export function logSeverity(name: unknown): LogSeverity | undefined {
  return LOG_SEVERITIES.find((severity) => severity === name);
}
