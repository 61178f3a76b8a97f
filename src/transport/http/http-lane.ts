import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { OpenExchanges } from './open-exchanges.js';
import { StreamableHttp } from './streamable-http.js';

type Listener = (req: IncomingMessage, res: ServerResponse) => void;

/** Path of the MCP endpoint. */
export const MCP_PATH = '/mcp';

/** Sockets that wait for their next request: longer than load balancers keep theirs (60 s), so that they close first. */
const KEEP_ALIVE_MS = 75_000;

/** The lane in front of the application: takes the MCP endpoint's requests, and leaves every other one as it is. */
@Injectable()
export class HttpLane {
  private attachedTo: Server | undefined;

  constructor(
    private readonly endpoint: StreamableHttp,
    private readonly exchanges: OpenExchanges,
    private readonly config: AppConfig,
  ) {}

  get isAttached(): boolean {
    return this.attachedTo !== undefined;
  }

  /** Puts the lane before the listeners that a server has. Once is enough: a second call changes nothing. */
  attach(server: Server): void {
    if (this.attachedTo) return;
    this.attachedTo = server;
    const { headersTimeoutMs, bodyTimeoutMs } = this.config.http;
    server.headersTimeout = headersTimeoutMs;
    server.requestTimeout = bodyTimeoutMs;
    server.keepAliveTimeout = KEEP_ALIVE_MS;
    server.on('connection', (socket: Socket) => socket.once('close', () => this.exchanges.connectionClosed(socket)));
    const rest = server.listeners('request') as Listener[];
    server.removeAllListeners('request');
    server.on('request', (req: IncomingMessage, res: ServerResponse) => {
      if (isOurs(req.url ?? '')) this.endpoint.handle(req, res);
      else for (const listener of rest) listener.call(server, req, res);
    });
  }
}

function isOurs(url: string): boolean {
  return url === MCP_PATH || url.startsWith(`${MCP_PATH}?`);
}
