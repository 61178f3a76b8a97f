import { createRequire } from 'node:module';
import type { ServerOptions, WebSocketServer } from 'ws';

/** The one sub-protocol that is spoken here; what else a client offers carries credentials. */
const PROTOCOL = 'mcp';

const servers = new WeakSet<object>();

/**
 * WebSockets on upgrades that somebody else has decided on. The library is loaded here and not before: a server on stdio
 * starts without it.
 * @param maxFrameBytes a larger message closes its connection with 1009, as soon as its length is known
 */
export function createMcpSocketServer(maxFrameBytes: number): WebSocketServer {
  const ws = createRequire(import.meta.url)('ws') as typeof import('ws');
  const server = new ws.WebSocketServer({
    noServer: true,
    maxPayload: maxFrameBytes,
    // Compression of each message costs memory per client, and what secrets share a message with leaks by its size.
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols: (offered: Set<string>) => (offered.has(PROTOCOL) ? PROTOCOL : false),
  } satisfies ServerOptions);
  servers.add(server);
  return server;
}

/** Whether it was made here, and by no other adapter. */
export function isMcpSocketServer(server: unknown): boolean {
  return typeof server === 'object' && server !== null && servers.has(server);
}
