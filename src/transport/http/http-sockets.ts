import type { Server, Socket } from 'node:net';
import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import { Clock } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { type Count, MetricsRecorder } from '../../metrics/index.js';
import { ROOM_TO_REFUSE, capSockets } from '../connections/socket-cap.js';
import { OpenExchanges } from './open-exchanges.js';
import { UnreadError } from './unread-error.js';

const SWEEP_MS = 1_000;
/**
 * Time in which a client must have read something of what waits for it (S0-13). Doors that hold connections of their own
 * have cut theirs before, in their own words.
 */
const STALL_MS = 35_000;
/** Sockets of one session: its stream, and calls side by side. */
const SOCKETS_PER_SESSION = 4;

/** How far a client has read. */
interface Reading {
  /** Bytes of the pieces that have left the process, whole. */
  readBytes: number;
  /** Bytes of the piece under way that have not: one large answer is one piece. */
  leftBytes: number | undefined;
  /** Monotonic ms since when it has read nothing of what waits for it; undefined where nothing does. */
  stalledSince: number | undefined;
}

/** The connections of the HTTP server that are open, whatever they carry: how many there may be, and who does not read. */
@Injectable()
export class HttpSockets implements OnModuleInit, OnApplicationShutdown {
  private readonly open = new Map<Socket, Reading>();
  private readonly opening: Count;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly exchanges: OpenExchanges,
    private readonly security: SecurityLog,
    private readonly config: AppConfig,
    private readonly clock: Clock,
    metrics: MetricsRecorder,
  ) {
    this.opening = metrics.connections('http');
  }

  onModuleInit(): void {
    this.timer = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  get count(): number {
    return this.open.size;
  }

  /** Bounds what a server takes, unless whoever made it has. */
  cap(server: Server): void {
    // Node has it undefined until it is set, whatever its types say.
    if ((server.maxConnections as number | undefined) !== undefined) return;
    const { limits, sessions, http } = this.config;
    const { maxConnections, wsMaxConnections = maxConnections } = limits;
    const enough = ROOM_TO_REFUSE + Math.min(maxConnections, wsMaxConnections) + SOCKETS_PER_SESSION * sessions.max;
    capSockets(server, http.maxSockets ?? enough, { security: this.security, door: 'http' });
  }

  /** Watches a connection until it closes. */
  add(socket: Socket): void {
    // One that is put back after an upgrade that came to nothing comes a second time.
    if (this.open.has(socket)) return;
    this.open.set(socket, { readBytes: 0, leftBytes: 0, stalledSince: undefined });
    this.opening.add();
    // One that is closed does not say any more whose it was.
    const { remoteAddress: ip } = socket;
    socket.on('error', (error: NodeJS.ErrnoException) => this.broken(error, ip));
    socket.once('close', () => {
      this.open.delete(socket);
      this.exchanges.connectionClosed(socket);
    });
  }

  /** Cuts off who reads nothing of what waits: answers and streams must not pile up for nobody. */
  sweep(): void {
    const now = this.clock.monotonic();
    for (const [socket, reading] of this.open) {
      const { writableLength: unreadBytes } = socket;
      const [readBytes, leftBytes] = [socket.bytesWritten - unreadBytes, leftOf(socket)];
      const isReading = readBytes !== reading.readBytes || leftBytes !== reading.leftBytes;
      if (unreadBytes === 0) reading.stalledSince = undefined;
      else if (reading.stalledSince === undefined || isReading) reading.stalledSince = now;
      else if (now - reading.stalledSince >= STALL_MS) socket.destroy(new UnreadError());
      Object.assign(reading, { readBytes, leftBytes });
    }
  }

  /** What is no HTTP, or means two things at once, and what never ends: Node answers it, and nobody else sees it (W-39). */
  private broken({ code = '', message }: NodeJS.ErrnoException, ip: string | undefined): void {
    if (code.startsWith('HPE_')) this.security.emit('invalid_input', { transport: 'http', ip, error: code });
    else if (code === 'ERR_HTTP_REQUEST_TIMEOUT') this.security.emit('connection_timeout', { transport: 'http', ip });
    else if (code === UnreadError.CODE)
      this.security.emit('websocket_error', { transport: 'http', ip, error: message });
  }
}

/** By this Node itself sees, where a socket has a timeout, that something is under way. */
function leftOf(socket: Socket): number | undefined {
  return (socket as { _handle?: { readonly writeQueueSize?: number } | null })._handle?.writeQueueSize;
}
