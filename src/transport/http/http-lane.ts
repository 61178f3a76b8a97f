import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { Injectable, Logger } from '@nestjs/common';
import { Authenticator } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { TlsContexts } from '../tls/tls-contexts.js';
import { RETRY_MS } from './event-stream.js';
import type { AdmissionRefusal } from './http-admission.js';
import { refuse } from './http-errors.js';
import { HttpSockets } from './http-sockets.js';
import type { LaneHandler } from './lane-front.js';
import { LaneRoutes } from './lane-routes.js';
import { securityHeaders, type SetSecurityHeaders } from './security-headers.js';

type Listener = (req: IncomingMessage, res: ServerResponse) => void;

/** Sockets that wait for their next request: longer than load balancers keep theirs (60 s), so that they close first. */
const KEEP_ALIVE_MS = 75_000;

const SHUT = {
  kind: 'shut',
  message:
    'The MCP endpoint stays shut: without authentication it is served on loopback alone. Listen there, or set server.allowUnauthenticated.',
} as const satisfies AdmissionRefusal;

const LEAVING = {
  kind: 'shutting_down',
  message: 'The server is ending: try again',
  retryAfterMs: RETRY_MS,
} as const satisfies AdmissionRefusal;

/** The lane in front of the application: takes the requests of our endpoints, and leaves every other one as it is. */
@Injectable()
export class HttpLane {
  private readonly logger = new Logger(HttpLane.name);
  private attachedTo: Server | undefined;
  private isShut = false;
  private isEnding = false;
  private readonly setSecurityHeaders: SetSecurityHeaders;

  constructor(
    private readonly routes: LaneRoutes,
    private readonly authenticator: Authenticator,
    private readonly tls: TlsContexts,
    private readonly sockets: HttpSockets,
    private readonly config: AppConfig,
  ) {
    this.setSecurityHeaders = securityHeaders(config);
  }

  get isAttached(): boolean {
    return this.attachedTo !== undefined;
  }

  /** Connections of the server that are open, whatever they carry. */
  get connectionCount(): number {
    return this.sockets.count;
  }

  /** Port that the server got; undefined while it does not listen. */
  get port(): number | undefined {
    const address = this.attachedTo?.address();
    return typeof address === 'object' ? address?.port : undefined;
  }

  /** @returns why nobody new is let in for now: the same for requests and for upgrades */
  get closedBy(): AdmissionRefusal | undefined {
    if (this.isShut) return SHUT;
    return this.isEnding ? LEAVING : undefined;
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
    this.sockets.cap(server);
    // The socket that requests come on: with TLS, the one inside.
    server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) =>
      this.sockets.add(socket),
    );
    server.on('listening', () => this.refuseOpen(server));
    const rest = server.listeners('request') as Listener[];
    server.removeAllListeners('request');
    server.on('request', (req: IncomingMessage, res: ServerResponse) => {
      const endpoint = this.routes.endpointOf(req.url ?? '');
      if (endpoint) this.serve(endpoint, req, res);
      else for (const listener of rest) listener.call(server, req, res);
    });
  }

  private serve(endpoint: LaneHandler, req: IncomingMessage, res: ServerResponse): void {
    this.setSecurityHeaders(res);
    if (this.isShut) this.refuse(res, SHUT);
    else if (this.isEnding) this.serveLast(endpoint, req, res);
    else endpoint.handle(req, res);
  }

  private serveLast(endpoint: LaneHandler, req: IncomingMessage, res: ServerResponse): void {
    res.setHeader('Connection', 'close');
    if (req.method === 'GET') this.refuse(res, LEAVING);
    else endpoint.handle(req, res);
  }

  private refuse(res: ServerResponse, { kind, message, retryAfterMs }: AdmissionRefusal): void {
    refuse(res, kind, message, retryAfterMs);
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
    this.logger.error(`${SHUT.message} It is bound to ${address.address}.`);
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.') || address.startsWith('::ffff:127.');
}
