import type { AppConfig } from '../config/index.js';

/** What is served on the HTTP listener. */
export interface HttpFamilies {
  readonly streamable: boolean;
  readonly sse: boolean;
  readonly websocket: boolean;
}

const ALL: HttpFamilies = { streamable: true, sse: true, websocket: true };

/**
 * `http` carries all of them, `websocket` and `sse` restrict the listener to themselves (K-2). Whoever attaches a server
 * and names no transport of the network wants it served.
 */
export function httpFamilies({ server: { transports } }: AppConfig): HttpFamilies {
  if (transports.includes('http') || transports.every((transport) => transport === 'stdio')) return ALL;
  return { streamable: false, sse: transports.includes('sse'), websocket: transports.includes('websocket') };
}

/** Whether there is anything for an HTTP listener to serve. */
export function needsHttp({ server: { transports } }: AppConfig): boolean {
  return transports.some((transport) => transport === 'http' || transport === 'websocket' || transport === 'sse');
}
