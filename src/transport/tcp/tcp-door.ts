import type { Socket } from 'node:net';
import { Injectable, Logger } from '@nestjs/common';
import { certificateOf, type Principal } from '../../auth/index.js';
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
export class TcpDoor {
  private readonly logger = new Logger('Tcp');

  constructor(
    private readonly admission: ConnectionAdmission,
    private readonly doorkeeper: Doorkeeper,
    private readonly conversations: Conversations,
    private readonly connections: Connections,
    private readonly config: AppConfig,
  ) {}

  /** Serves a client, or sends it away. */
  take(socket: Socket): void {
    // A socket that breaks says so by closing, too.
    socket.on('error', () => undefined);
    const peer = { address: socket.remoteAddress, port: socket.remotePort, certificate: certificateOf(socket) };
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
      const { address, certificate } = peer;
      const principal = await this.doorkeeper.recognise({ certificate, address, door: 'tcp' });
      if (socket.destroyed) return;
      if (this.admission.isClosed) this.refuse(socket, 'shutting_down');
      else if (principal && !place.claim(principal)) this.refuse(socket, 'connection_limit');
      else this.serve(arrival, principal);
    } catch (error) {
      this.logger.error('A client could not be served', error instanceof Error ? error.stack : String(error));
      socket.destroy();
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
