import type { Server } from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';
import { type ClientOptions, WebSocket } from 'ws';
import { eventually } from './connection-world.js';

/** A WebSocket, or the refusal of one, over a pair of streams in memory. */
export class MemorySocket {
  readonly received: Record<string, unknown>[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  refused: { readonly status: number; readonly headers: Record<string, unknown>; body: string } | undefined;

  private constructor(
    readonly ws: WebSocket,
    readonly server: Duplex,
  ) {
    ws.on('message', (data) => this.received.push(JSON.parse((data as Buffer).toString()) as Record<string, unknown>));
    ws.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }));
    ws.on('error', () => undefined);
    ws.on('unexpected-response', (_req, res) => {
      const refused = { status: res.statusCode ?? 0, headers: res.headers, body: '' };
      this.refused = refused;
      res.on('data', (chunk: Buffer) => (refused.body += chunk.toString()));
    });
  }

  /** Opens one; waits until it is open, or refused. */
  static async open(
    to: Server,
    path = '/ws',
    options: ClientOptions & { protocols?: string[] } = {},
  ): Promise<MemorySocket> {
    const [client, server] = duplexPair();
    Object.assign(server, { remoteAddress: '10.0.0.1', remotePort: 4_000 });
    to.emit('connection', server);
    const { protocols = ['mcp'], ...more } = options;
    const createConnection = (() => client) as unknown as NonNullable<ClientOptions['createConnection']>;
    const ws = new WebSocket(`ws://localhost${path}`, protocols, { createConnection, ...more });
    const socket = new MemorySocket(ws, server);
    await eventually(() => ws.readyState !== WebSocket.CONNECTING || socket.refused !== undefined, 'an answer');
    return socket;
  }

  send(...messages: (object | string)[]): void {
    for (const each of messages) this.ws.send(typeof each === 'string' ? each : JSON.stringify(each));
  }

  async waitFor(count: number): Promise<Record<string, unknown>[]> {
    await eventually(() => this.received.length >= count, `${count} messages`);
    return this.received;
  }

  async end(): Promise<{ readonly code: number; readonly reason: string }> {
    await eventually(() => this.closed !== undefined, 'the end');
    return this.closed as { code: number; reason: string };
  }
}
