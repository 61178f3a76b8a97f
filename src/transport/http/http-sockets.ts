import type { Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import { type Count, MetricsRecorder } from '../../metrics/index.js';
import { OpenExchanges } from './open-exchanges.js';

/** The connections of the HTTP server that are open, whatever they carry. */
@Injectable()
export class HttpSockets {
  private readonly open = new Set<Socket>();
  private readonly opening: Count;

  constructor(
    private readonly exchanges: OpenExchanges,
    private readonly security: SecurityLog,
    metrics: MetricsRecorder,
  ) {
    this.opening = metrics.connections('http');
  }

  get count(): number {
    return this.open.size;
  }

  /** Watches a connection until it closes. */
  add(socket: Socket): void {
    // One that is put back after an upgrade that came to nothing comes a second time.
    if (this.open.has(socket)) return;
    this.open.add(socket);
    this.opening.add();
    socket.on('error', (error: NodeJS.ErrnoException) => this.broken(error, socket));
    socket.once('close', () => {
      this.open.delete(socket);
      this.exchanges.connectionClosed(socket);
    });
  }

  /** What is no HTTP, or means two things at once, and what never ends: Node answers it, and nobody else sees it (W-39). */
  private broken({ code = '' }: NodeJS.ErrnoException, { remoteAddress: ip }: Socket): void {
    if (code.startsWith('HPE_')) this.security.emit('invalid_input', { transport: 'http', ip, error: code });
    else if (code === 'ERR_HTTP_REQUEST_TIMEOUT') this.security.emit('connection_timeout', { transport: 'http', ip });
  }
}
