import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { Injectable, Logger } from '@nestjs/common';
import { Authenticator } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { type ConnectionMeter, MetricsRecorder } from '../../metrics/index.js';
import { TlsContexts } from '../tls/tls-contexts.js';
import { refuse } from './http-errors.js';
import { OpenExchanges } from './open-exchanges.js';
import { securityHeaders, type SetSecurityHeaders } from './security-headers.js';
import { StreamableHttp } from './streamable-http.js';

type Listener = (req: IncomingMessage, res: ServerResponse) => void;

/** Path of the MCP endpoint. */
export const MCP_PATH = '/mcp';

/** Sockets that wait for their next request: longer than load balancers keep theirs (60 s), so that they close first. */
const KEEP_ALIVE_MS = 75_000;

/** How soon whoever is refused while the server ends may ask again: there may be another by then, s. */
const RETRY_SEC = 1;

const SHUT =
  'The MCP endpoint stays shut: without authentication it is served on loopback alone. Listen there, or set server.allowUnauthenticated.';

/** The lane in front of the application: takes the MCP endpoint's requests, and leaves every other one as it is. */
@Injectable()
export class HttpLane {
  private readonly logger = new Logger(HttpLane.name);
  private attachedTo: Server | undefined;
  private isShut = false;
  private isEnding = false;
  private openCount = 0;
  private readonly setSecurityHeaders: SetSecurityHeaders;
  private readonly connections: ConnectionMeter;

  constructor(
    private readonly endpoint: StreamableHttp,
    private readonly exchanges: OpenExchanges,
    private readonly authenticator: Authenticator,
    private readonly tls: TlsContexts,
    private readonly config: AppConfig,
    metrics: MetricsRecorder,
  ) {
    this.setSecurityHeaders = securityHeaders(config);
    this.connections = metrics.connections('http');
  }

  get isAttached(): boolean {
    return this.attachedTo !== undefined;
  }

  /** Connections of the server that are open, whatever they carry. */
  get connectionCount(): number {
    return this.openCount;
  }

  /**
   * Opens no more streams, and asks clients to leave with their next answer. Messages still come in: what runs may need
   * an answer of its client, or be cancelled; new requests are refused by the dispatcher, as on every door.
   */
  close(): void {
    this.isEnding = true;
  }

  /**
   * Puts the lane before the listeners that a server has. Once is enough: a second call changes nothing.
   * @throws StartError TLS is on, and the server is a plain one
   */
  attach(server: Server): void {
    if (this.attachedTo) return;
    this.tls.protect(server);
    this.attachedTo = server;
    const { headersTimeoutMs, bodyTimeoutMs } = this.config.http;
    server.headersTimeout = headersTimeoutMs;
    server.requestTimeout = bodyTimeoutMs;
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    // The socket that requests come on: with TLS, the one inside.
    server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => this.opened(socket));
    server.on('listening', () => this.refuseOpen(server));
    const rest = server.listeners('request') as Listener[];
    server.removeAllListeners('request');
    server.on('request', (req: IncomingMessage, res: ServerResponse) => {
      if (isOurs(req.url ?? '')) this.serve(req, res);
      else for (const listener of rest) listener.call(server, req, res);
    });
  }

  private opened(socket: Socket): void {
    this.openCount += 1;
    this.connections.opened();
    socket.once('close', () => {
      this.openCount -= 1;
      this.connections.closed();
      this.exchanges.connectionClosed(socket);
    });
  }

  private serve(req: IncomingMessage, res: ServerResponse): void {
    this.setSecurityHeaders(res);
    if (this.isShut) refuse(res, 'shut', SHUT);
    else if (this.isEnding) this.serveLast(req, res);
    else this.endpoint.handle(req, res);
  }

  private serveLast(req: IncomingMessage, res: ServerResponse): void {
    res.setHeader('Connection', 'close');
    if (req.method !== 'GET') return this.endpoint.handle(req, res);
    res.setHeader('Retry-After', RETRY_SEC);
    refuse(res, 'shutting_down', 'The server is ending: try again');
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
