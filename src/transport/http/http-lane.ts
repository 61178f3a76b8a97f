import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Injectable, Logger } from '@nestjs/common';
import { Authenticator } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { MetricsRecorder } from '../../metrics/index.js';
import { refuse } from './http-errors.js';
import { OpenExchanges } from './open-exchanges.js';
import { StreamableHttp } from './streamable-http.js';

type Listener = (req: IncomingMessage, res: ServerResponse) => void;

/** Path of the MCP endpoint. */
export const MCP_PATH = '/mcp';

/** Sockets that wait for their next request: longer than load balancers keep theirs (60 s), so that they close first. */
const KEEP_ALIVE_MS = 75_000;

const SHUT =
  'The MCP endpoint stays shut: without authentication it is served on loopback alone. Listen there, or set server.allowUnauthenticated.';

/** The lane in front of the application: takes the MCP endpoint's requests, and leaves every other one as it is. */
@Injectable()
export class HttpLane {
  private readonly logger = new Logger(HttpLane.name);
  private attachedTo: Server | undefined;
  private isShut = false;
  private isEnding = false;

  constructor(
    private readonly endpoint: StreamableHttp,
    private readonly exchanges: OpenExchanges,
    private readonly authenticator: Authenticator,
    private readonly config: AppConfig,
    private readonly metrics: MetricsRecorder,
  ) {}

  get isAttached(): boolean {
    return this.attachedTo !== undefined;
  }

  /** Takes no more requests; those that run go on. */
  close(): void {
    this.isEnding = true;
  }

  /** Puts the lane before the listeners that a server has. Once is enough: a second call changes nothing. */
  attach(server: Server): void {
    if (this.attachedTo) return;
    this.attachedTo = server;
    const { headersTimeoutMs, bodyTimeoutMs } = this.config.http;
    server.headersTimeout = headersTimeoutMs;
    server.requestTimeout = bodyTimeoutMs;
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    const connections = this.metrics.connections('http');
    server.on('connection', (socket: Socket) => {
      connections.opened();
      socket.once('close', () => {
        connections.closed();
        this.exchanges.connectionClosed(socket);
      });
    });
    server.on('listening', () => this.refuseOpen(server));
    const rest = server.listeners('request') as Listener[];
    server.removeAllListeners('request');
    server.on('request', (req: IncomingMessage, res: ServerResponse) => {
      if (isOurs(req.url ?? '')) this.serve(req, res);
      else for (const listener of rest) listener.call(server, req, res);
    });
  }

  private serve(req: IncomingMessage, res: ServerResponse): void {
    if (this.isShut) refuse(res, 'shut', SHUT);
    else if (this.isEnding) refuse(res, 'shutting_down', 'The server is ending: try again');
    else this.endpoint.handle(req, res);
  }

  /**
   * A host application may listen where it likes, and knows the address only then: off loopback and without
   * authentication the endpoint stays shut (K-4).
   */
  private refuseOpen(server: Server): void {
    const address = server.address();
    const { allowUnauthenticated } = this.config.server;
    if (typeof address !== 'object' || !address || isLoopback(address.address)) return;
    if (this.authenticator.isRequired || allowUnauthenticated) return;
    this.isShut = true;
    this.logger.error(`${SHUT} It is bound to ${address.address}.`);
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}

function isOurs(url: string): boolean {
  return url === MCP_PATH || url.startsWith(`${MCP_PATH}?`);
}
