import type { ConnectionOptions } from 'node:tls';
import { BuiltServer, type ServerOptions } from './built-server.js';
import { RawLines } from './raw-lines.js';
import { RawWebSocket } from './raw-websocket.js';
import { until } from './waiting.js';

/** The built program with every door of the network open. */
export class Doors {
  private constructor(
    readonly server: BuiltServer,
    readonly tcpPort: number,
  ) {}

  static async open({ flags = [], env = {}, ...more }: ServerOptions = {}): Promise<Doors> {
    const server = await BuiltServer.start({
      ...more,
      flags: ['--transport', 'tcp', '--tcp-port', '0', '--log-format', 'text', ...flags],
      env: { MCP_RATE_LIMIT_CONNECTIONS: '100000', ...env },
    });
    const [, port = ''] = await server.said(/TCP endpoint: (?:tcp|tls):\/\/\S+:(\d+)/);
    return new Doors(server, Number(port));
  }

  get base(): string {
    return new URL(this.server.url).origin;
  }

  get wsUrl(): string {
    return `${this.base.replace('http', 'ws')}/ws`;
  }

  get sseUrl(): string {
    return `${this.base}/sse`;
  }

  webSocket(...[options]: [Parameters<typeof RawWebSocket.open>[1]?]): Promise<RawWebSocket> {
    return RawWebSocket.open(this.wsUrl, options);
  }

  /** @param tls where TLS is on */
  lines(tls?: ConnectionOptions): Promise<RawLines> {
    return RawLines.open(this.tcpPort, tls ? { tls } : {});
  }

  /** Waits until so many security events of a name are written. @returns all of them */
  events(name: string, count = 1): Promise<Record<string, unknown>[]> {
    return until(() => {
      const lines = [...this.server.stderr.matchAll(/\[SECURITY\] (\{.*\})$/gm)];
      const events = lines.map(([, json]) => JSON.parse(json ?? '') as Record<string, unknown>);
      const found = events.filter(({ event }) => event === name);
      return found.length >= count && found;
    }, `${count} events ${name}`);
  }

  dispose(): Promise<void> {
    return this.server.dispose();
  }
}
