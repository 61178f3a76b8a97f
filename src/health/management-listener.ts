import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { RouteAccess } from '../auth/index.js';
import { StartError } from '../common/index.js';
import { AppConfig } from '../config/index.js';

const MAX_HEADER_BYTES = 16_384;
const HEALTH_PATHS = ['/health', '/health/live', '/health/ready'];
const METRICS_PATH = '/metrics';

/** A port, and what is served there. */
interface Listening {
  readonly port: number;
  readonly paths: ReadonlySet<string>;
}

/**
 * Serves health and metrics on ports of their own, without credentials and whatever the Host: who can reach those ports
 * was decided where they were opened (D-21, K-18, K-20). Nothing else is there.
 */
@Injectable()
export class ManagementListener implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Management');
  private readonly servers: Server[] = [];

  constructor(
    private readonly adapterHost: HttpAdapterHost,
    private readonly access: RouteAccess,
    private readonly config: AppConfig,
  ) {}

  /**
   * A server on stdio belongs to one client, and every client starts its own: the first has the port, and the others go
   * on without.
   * @throws StartError a port cannot be had
   */
  async onApplicationBootstrap(): Promise<void> {
    const isOneOfMany = this.config.server.transports.every((transport) => transport === 'stdio');
    for (const listening of this.wanted()) {
      try {
        await this.listen(listening);
      } catch (error) {
        if (!isOneOfMany || !(error instanceof StartError)) throw error;
        this.logger.warn(`${error.message} This server goes on without.`);
      }
    }
  }

  async onApplicationShutdown(): Promise<void> {
    const closed = this.servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const server of this.servers) server.closeAllConnections();
    await Promise.all(closed);
  }

  private wanted(): readonly Listening[] {
    const { server, metrics } = this.config;
    const paths = new Set([...HEALTH_PATHS, METRICS_PATH]);
    const wanted = server.managementPorts.map((port) => ({ port: Number(port), paths }));
    if (!metrics.enabled || metrics.prometheusPort === undefined) return wanted;
    return [...wanted, { port: metrics.prometheusPort, paths: new Set([METRICS_PATH]) }];
  }

  private async listen({ port, paths }: Listening): Promise<void> {
    const host = this.config.server.managementHost ?? this.config.server.host;
    const serve = this.adapterHost.httpAdapter.getInstance<RequestListener>();
    const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (req, res) => {
      if (isServed(req, res, paths)) {
        this.access.fromManagement(req);
        serve(req, res);
      }
    });
    server.headersTimeout = this.config.http.headersTimeoutMs;
    server.requestTimeout = this.config.http.bodyTimeoutMs;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => reject(explained(error, host, port)));
      server.listen(port, host, resolve);
    });
    this.servers.push(server);
    const { port: bound } = server.address() as AddressInfo;
    const name = host.includes(':') ? `[${host}]` : host;
    this.logger.log(`Without credentials at http://${name}:${bound}: ${[...paths].join(', ')}`);
  }
}

/** Whether the request is for the application; if not, it is answered. Paths are taken as they are written. */
function isServed({ method, url = '' }: IncomingMessage, res: ServerResponse, paths: ReadonlySet<string>): boolean {
  if (!paths.has(url.split('?', 1)[0] as string)) res.writeHead(404).end();
  else if (method === 'OPTIONS') res.writeHead(204, { Allow: 'GET, HEAD, OPTIONS' }).end();
  else if (method !== 'GET' && method !== 'HEAD') res.writeHead(405, { Allow: 'GET, HEAD, OPTIONS' }).end();
  else return true;
  return false;
}

function explained(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const why = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be opened (${error.code})`;
  return new StartError(
    `The management port ${port} on ${host} ${why}: set MCP_MANAGEMENT_PORT or MCP_METRICS_PROMETHEUS_PORT to another.`,
  );
}
