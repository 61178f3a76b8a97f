import type { Json } from '../support/messages.js';
import { until } from '../support/waiting.js';

const PREFIX = '[SECURITY] ';

/** One line of the security log. */
export interface SecurityLine extends Json {
  readonly event: string;
}

/** @returns the security events that a server has written to stderr, in order */
export function eventsOf(stderr: string): readonly SecurityLine[] {
  const lines = stderr.slice(0, stderr.lastIndexOf('\n') + 1).split('\n');
  return lines
    .filter((line) => line.startsWith(PREFIX))
    .map((line) => JSON.parse(line.slice(PREFIX.length)) as SecurityLine);
}

/**
 * Waits for an event; over TCP it has a name of its own.
 * @param from how many had been written before
 */
export function untilEvent(stderr: () => string, from: number, event: string): Promise<SecurityLine> {
  return until(
    () =>
      eventsOf(stderr())
        .slice(from)
        .find((line) => line.event.replace(/^tcp_/, '') === event),
    `the security event ${event}`,
  );
}
