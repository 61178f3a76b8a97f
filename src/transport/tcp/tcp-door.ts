import { createServer, type Server, type Socket } from 'node:net';
import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { explainListenError, isGatehouseError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { decode } from '../../protocol/index.js';
import {
  ConnectionAdmission,
  type ConnectionRefusal,
  isRefusal,
  type Place,
} from '../connections/connection-admission.js';
import { Connections } from '../connections/connections.js';
import { Doorkeeper } from '../connections/doorkeeper.js';
import { BROKEN, ENDING, LEFT } from '../connections/ending.js';
import { HIGH_WATER_BYTES } from '../connections/wire.js';
import { Conversations } from '../duplex/conversations.js';
import type { ConnectionPeer } from '../duplex/connection-parts.js';
import type { DuplexConnection } from '../duplex/duplex-connection.js';
import { LineReader } from '../duplex/line-reader.js';
import { TcpWire } from './tcp-wire.js';

/** When the operating system begins to ask a silent peer whether it lives. */
const KEEP_ALIVE_DELAY_MS = 30_000;

/** What a client is told that is not let in, before it is hung up on (REQUIREMENTS 6.4). */
const REFUSED: Readonly<Record<ConnectionRefusal['kind'], string>> = {
  blocked: 'Forbidden',
  rate_limited: 'Rate limit exceeded',
  connection_limit: 'Service unavailable - connection limit reached',
  shutting_down: 'MCP not ready',
};

/** Who came, with the place that was kept for them. */
interface Arrival {
  readonly socket: Socket;
  readonly place: Place;
  readonly peer: ConnectionPeer;
}

/**
 * The TCP door: JSON-RPC, one message a line, each way, as on stdio; many clients, each with its own session. A client
 * that must prove itself does so by an `authenticate` message, before anything else.
 * @see S2-1, S2-5 to S2-9, S2-21; docs/adr/0013-websocket-and-tcp.md
 */
@Injectable()
export class TcpDoor implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Tcp');
  private server: Server | undefined;

  constructor(
    private readonly admission: ConnectionAdmission,
    private readonly doorkeeper: Doorkeeper,
    private readonly conversations: Conversations,
    private readonly connections: Connections,
    private readonly config: AppConfig,
  ) {}

  /** @throws StartError the port cannot be had */
  async onApplicationBootstrap(): Promise<void> {
    if (this.config.server.transports.includes('tcp')) await this.listen();
  }

  beforeApplicationShutdown(): void {
    this.close();
  }

  /** Port that the listener got; undefined while it is not open. */
  get port(): number | undefined {
    const address = this.server?.address();
    return typeof address === 'object' ? address?.port : undefined;
  }

  /** Takes no new clients; those that are there stay. */
  close(): void {
    this.server?.close();
  }

  private async listen(): Promise<void> {
    const { host, tcpPort: port } = this.config.server;
    const server = this.createServer();
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, resolve);
      });
    } catch (error) {
      throw explainListenError(error, { host, port, setBy: '--tcp-port' });
    }
    server.on('error', (error) => this.logger.error('The listener failed', error.stack));
    this.server = server;
  }

  /** Half open: what is owed to a client that has nothing more to say is still sent. */
  private createServer(): Server {
    const options = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS };
    return createServer(options, (socket) => this.take(socket));
  }

  /** Serves a client, or sends it away. */
  take(socket: Socket): void {
    // A socket that breaks says so by closing, too.
    socket.on('error', () => undefined);
    const peer = { address: socket.remoteAddress, port: socket.remotePort };
    const place = this.admission.admit('tcp', peer.address);
    if (isRefusal(place)) {
      this.refuse(socket, place.kind);
      return;
    }
    socket.once('close', place.release);
    void this.welcome({ socket, place, peer });
  }

  private refuse(socket: Socket, kind: ConnectionRefusal['kind']): void {
    socket.resume();
    socket.end(`${JSON.stringify({ error: REFUSED[kind] })}\n`);
    this.connections.linger(socket);
  }

  private async welcome(arrival: Arrival): Promise<void> {
    const { socket, place, peer } = arrival;
    try {
      const principal = await this.principalOf(peer);
      if (socket.destroyed) return;
      if (principal && !place.claim(principal)) this.refuse(socket, 'connection_limit');
      else this.serve(arrival, principal);
    } catch (error) {
      this.logger.error('A client could not be served', error instanceof Error ? error.stack : String(error));
      socket.destroy();
    }
  }

  /** @returns undefined where the client has yet to prove itself */
  private async principalOf({ address, certificate }: ConnectionPeer): Promise<Principal | undefined> {
    if (this.doorkeeper.isRequired && !certificate) return undefined;
    try {
      return await this.doorkeeper.prove({ certificate, address, door: 'tcp' });
    } catch (error) {
      // A certificate that stands for nobody leaves the other way.
      if (isGatehouseError(error)) return undefined;
      throw error;
    }
  }

  private serve({ socket, place, peer }: Arrival, principal: Principal | undefined): void {
    const { maxQueue, maxBufferBytes: maxUnreadBytes, maxMessageBytes } = this.config.limits;
    const wire = new TcpWire(socket, { messages: maxQueue, bytes: HIGH_WATER_BYTES });
    const how = { provedBy: 'certificate', takesAuthenticate: true } as const;
    const parts = { door: 'tcp', wire, peer, place, maxUnreadBytes, ...how } as const;
    const connection = this.conversations.open(parts, principal);
    const reader = new LineReader(maxMessageBytes);
    socket.on('data', (chunk) => this.receive(connection, reader, chunk));
    socket.on('end', () => void this.ended(connection, reader));
    socket.on('error', (error) => this.connections.journal.failed(connection, error.message));
    socket.on('close', (isBroken) => connection.left(isBroken ? BROKEN : LEFT));
  }

  private receive(connection: DuplexConnection, reader: LineReader, chunk: Buffer): void {
    this.hear(connection, reader.push(chunk));
    const { pendingBytes: bytes } = reader;
    const { maxBufferBytes: limit } = this.config.limits;
    if (bytes <= limit || connection.ended) return;
    // It may never end its line (S2-21).
    this.connections.journal.tooLarge(connection, { bytes, limit });
    connection.cut(ENDING.tooLarge);
  }

  private hear(connection: DuplexConnection, lines: ReturnType<LineReader['push']>): void {
    for (const line of lines) {
      if (typeof line === 'string') {
        connection.receive(decode(line));
        continue;
      }
      const { kind, message, bytes } = line;
      if (kind === 'message_too_large') {
        this.connections.journal.tooLarge(connection, { bytes, limit: this.config.limits.maxMessageBytes });
      }
      connection.receive({ id: null, fault: { kind, message } });
    }
  }

  /** The client has nothing more to say: what runs for it ends, and what is owed to it is sent. */
  private async ended(connection: DuplexConnection, reader: LineReader): Promise<void> {
    this.hear(connection, reader.end());
    connection.leaving();
    await connection.settled();
    connection.wire.close({ ...LEFT });
  }
}
