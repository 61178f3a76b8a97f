import { type ServerOptions, WebSocket, WebSocketServer } from 'ws';

/** The one sub-protocol that is spoken here; what else a client offers carries credentials. */
const PROTOCOL = 'mcp';

/** A WebSocket of ours, to be told from those of a host application's gateways. */
export class McpSocket extends WebSocket {}

/** WebSockets on upgrades that somebody else has decided on. */
export class McpSocketServer extends WebSocketServer<typeof McpSocket> {
  /** @param maxFrameBytes a larger message closes its connection with 1009, as soon as its length is known */
  constructor(maxFrameBytes: number) {
    super({
      noServer: true,
      maxPayload: maxFrameBytes,
      WebSocket: McpSocket,
      // Compression of each message costs memory per client, and what secrets share a message with leaks by its size.
      perMessageDeflate: false,
      clientTracking: false,
      handleProtocols: (offered: Set<string>) => (offered.has(PROTOCOL) ? PROTOCOL : false),
    } satisfies ServerOptions<typeof McpSocket>);
  }
}
