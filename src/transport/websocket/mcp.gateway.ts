import type { Duplex } from 'node:stream';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { type OnGatewayConnection, type OnGatewayInit, WebSocketGateway } from '@nestjs/websockets';
import type { RawData, WebSocket } from 'ws';
import { StartError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { decode } from '../../protocol/index.js';
import { Connections } from '../connections/connections.js';
import { ENDING } from '../connections/ending.js';
import { HIGH_WATER_BYTES } from '../connections/wire.js';
import { Conversations } from '../duplex/conversations.js';
import type { DuplexConnection } from '../duplex/duplex-connection.js';
import { WS_PATH } from '../http/paths.js';
import { isMcpSocketServer } from './mcp-socket-server.js';
import type { AdmittedClient } from './ws-upgrades.js';
import { WsWire } from './ws-wire.js';

/** What the adapter hands over: a client that got in, and the socket under its WebSocket. */
export interface AdmittedSocket {
  readonly client: AdmittedClient;
  readonly socket: Duplex;
}

/**
 * The WebSocket door: JSON-RPC, one message a text frame, each way. A custom transport as the specification allows; the
 * rules are those of stdio (D-2).
 * @see MCP 2025-11-25, basic/transports, "Custom Transports"; docs/adr/0013-websocket-and-tcp.md
 */
@WebSocketGateway({ path: WS_PATH })
export class McpGateway implements OnGatewayInit, OnGatewayConnection<WebSocket>, OnApplicationBootstrap {
  /** What the adapter made; undefined in an application without HTTP. */
  private server: unknown;

  constructor(
    private readonly conversations: Conversations,
    private readonly connections: Connections,
    private readonly config: AppConfig,
  ) {}

  afterInit(server: unknown): void {
    this.server = server;
  }

  /** @throws StartError another adapter was set after ours: it would let anybody in */
  onApplicationBootstrap(): void {
    if (this.server === undefined || isMcpSocketServer(this.server)) return;
    throw new StartError(
      'The WebSocket door has not got its adapter: call attachGatehouse(app) after app.useWebSocketAdapter(...).',
    );
  }

  handleConnection(ws: WebSocket, { client, socket }: AdmittedSocket): void {
    const { limits, http } = this.config;
    const queue = { messages: limits.maxQueue, bytes: HIGH_WATER_BYTES };
    const beats = { pingMs: limits.pingIntervalMs, pongMs: limits.pongTimeoutMs };
    const wire = new WsWire(ws, socket, beats, { limits: queue, now: this.conversations.now() });
    const { place, peer, principal, provedBy } = client;
    const takesAuthenticate = http.wsFirstMessageAuth;
    const maxUnreadBytes = limits.maxBufferBytes;
    const parts = { door: 'websocket', wire, peer, place, provedBy, takesAuthenticate, maxUnreadBytes } as const;
    const connection = this.conversations.open(parts, principal);
    ws.on('message', (data, isBinary) => this.receive(connection, data, isBinary));
    ws.on('close', (code, reason) => connection.left({ code, reason: reason.toString('utf8') }));
    ws.on('error', (error) => this.failed(connection, error));
  }

  private receive(connection: DuplexConnection, data: RawData, isBinary: boolean): void {
    if (isBinary) {
      connection.close(ENDING.binary);
      return;
    }
    const frame = data as Buffer;
    const { maxMessageBytes: limit } = this.config.limits;
    if (frame.length <= limit) {
      connection.receive(decode(frame.toString('utf8')));
      return;
    }
    this.connections.journal.tooLarge(connection, { bytes: frame.length, limit });
    connection.receive({ id: null, fault: { kind: 'message_too_large', message: 'Message too large' } });
  }

  /** What is no WebSocket any more: the library has closed it with the code for that. */
  private failed(connection: DuplexConnection, error: Error & { code?: unknown }): void {
    if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
      const { maxBufferBytes: limit } = this.config.limits;
      this.connections.journal.tooLarge(connection, { bytes: limit + 1, limit });
    } else this.connections.journal.failed(connection, error.message);
  }
}
