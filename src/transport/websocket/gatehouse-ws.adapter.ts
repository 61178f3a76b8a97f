import { EventEmitter } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type INestApplicationContext, Logger } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import type { WebSocketServer } from 'ws';
import type { Connections } from '../connections/connections.js';
import type { Challenges } from '../http/challenges.js';
import { pathOf, WS_PATH } from '../http/paths.js';
import { createMcpSocketServer } from './mcp-socket-server.js';
import type { AdmittedSocket } from './mcp.gateway.js';
import { isWebSocket, refuseUpgrade, serveWithoutUpgrade } from './upgrade-responses.js';
import { isUpgradeRefusal, type UpgradeRefusal, type WsUpgrades } from './ws-upgrades.js';

/** What the adapter is made of. */
export interface WsAdapterParts {
  readonly app: INestApplicationContext;
  readonly server: Server;
  readonly upgrades: WsUpgrades;
  readonly connections: Connections;
  readonly challenges: Challenges;
  readonly maxFrameBytes: number;
}

/**
 * Nest's adapter for `ws`, which owns the upgrade: guards are not asked about connections [ran], so who gets in is
 * decided here, and our gateway receives those only who did (D-17). Gateways of a host application are served as ever.
 */
export class GatehouseWsAdapter extends WsAdapter {
  private readonly log = new Logger('WebSocket');
  /** Where the original looks for upgrades: of the host application's gateways alone. */
  private readonly others = new EventEmitter();
  private readonly mcp: WebSocketServer;
  /** WebSockets of ours, to be told from those of a host application's gateways. */
  private readonly ours = new WeakSet<object>();

  constructor(private readonly parts: WsAdapterParts) {
    super(parts.app);
    this.mcp = createMcpSocketServer(parts.maxFrameBytes);
    if (parts.upgrades.isServed) parts.server.on('upgrade', this.onUpgrade);
  }

  override create(port: number, options: Parameters<WsAdapter['create']>[1] = {}): unknown {
    return port === 0 && options.path === WS_PATH ? this.mcp : (super.create(port, options) as unknown);
  }

  /** Our frames are JSON-RPC, and no events of Nest's: the gateway reads them. */
  override bindMessageHandlers(...args: Parameters<WsAdapter['bindMessageHandlers']>): void {
    if (!this.ours.has(args[0] as object)) super.bindMessageHandlers(...args);
  }

  override bindClientDisconnect(...args: Parameters<WsAdapter['bindClientDisconnect']>): void {
    if (!this.ours.has(args[0] as object)) super.bindClientDisconnect(...args);
  }

  override async close(server: unknown): Promise<void> {
    if (server !== this.mcp) return super.close(server);
    this.parts.server.off('upgrade', this.onUpgrade);
    await new Promise<void>((resolve) => this.mcp.close(() => resolve()));
  }

  protected override ensureHttpServerExists(
    ...[port, server]: Parameters<WsAdapter['ensureHttpServerExists']>
  ): ReturnType<WsAdapter['ensureHttpServerExists']> {
    // The original destroys what it does not know, which would be ours too.
    const isShared = server === this.parts.server && this.parts.upgrades.isServed;
    return super.ensureHttpServerExists(port, isShared ? (this.others as Server) : server);
  }

  private readonly onUpgrade = (req: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const { server, upgrades } = this.parts;
    const isAlone = server.listenerCount('upgrade') === 1;
    if (!isWebSocket(req)) {
      if (isAlone) serveWithoutUpgrade(server, req, socket, head);
    } else if (upgrades.isOurs(req)) {
      void this.admit(req, socket, head);
    } else if (this.isOfHost(req)) {
      this.others.emit('upgrade', req, socket, head);
    } else if (isAlone) {
      this.refuse(socket, { kind: 'not_found', message: `Not Found: WebSockets are served at ${WS_PATH}` });
    }
  };

  /** Whether a gateway of the host application serves the path. */
  private isOfHost({ url = '' }: IncomingMessage): boolean {
    const path = pathOf(url);
    return (this.wsServersRegistry.get(0) ?? []).some((server: { path?: unknown }) => server.path === path);
  }

  private async admit(req: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Nobody else listens, while the credentials are looked at.
    socket.on('error', ignore);
    try {
      const outcome = await this.parts.upgrades.decide(req);
      if (isUpgradeRefusal(outcome)) {
        if (outcome.ending) this.greetAndClose(req, socket, { head, ending: outcome.ending });
        else this.refuse(socket, outcome);
        return;
      }
      const { place } = outcome;
      if (socket.destroyed) {
        place.release();
        return;
      }
      // Until there is a connection that gives it back.
      socket.once('close', place.release);
      this.mcp.handleUpgrade(req, socket, head, (ws) => {
        socket.off('error', ignore).off('close', place.release);
        this.ours.add(ws);
        this.mcp.emit('connection', ws, { client: outcome, socket } satisfies AdmittedSocket);
      });
    } catch (error) {
      this.log.error('An upgrade failed', error instanceof Error ? error.stack : String(error));
      this.refuse(socket, { kind: 'internal', message: 'Internal error' });
    }
  }

  private refuse(socket: Duplex, refusal: UpgradeRefusal): void {
    socket.on('error', ignore);
    socket.resume();
    refuseUpgrade(socket, refusal, this.parts.challenges.of(refusal));
    this.parts.connections.linger(socket);
  }

  /** Where the settings want a refusal said on the WebSocket (K-13). */
  private greetAndClose(
    req: IncomingMessage,
    socket: Duplex,
    { head, ending }: { readonly head: Buffer; readonly ending: NonNullable<UpgradeRefusal['ending']> },
  ): void {
    this.mcp.handleUpgrade(req, socket, head, (ws) => {
      ws.on('error', ignore);
      ws.close(ending.code, ending.reason);
      this.parts.connections.linger(socket);
    });
  }
}

/** A socket that breaks says so by closing, too. */
function ignore(): void {
  return undefined;
}
