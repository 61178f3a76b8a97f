import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Socket } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { Injectable, Logger } from '@nestjs/common';
import { eventually, TokenAuthenticator } from '../../../test/support/connection-world.js';
import { DispatchWorld } from '../../../test/support/dispatch-world.js';
import type { ConfigOverrides } from '../../config/index.js';
import { AddressBlocks } from '../../limits/index.js';
import { Tool, type ToolContext } from '../../tools/index.js';
import { Connections } from '../connections/connections.js';
import { TransportModule } from '../transport.module.js';
import { TcpDoor } from './tcp-door.js';

@Injectable()
class Tools {
  readonly signals: AbortSignal[] = [];

  @Tool()
  wait(_args: unknown, { signal }: ToolContext): Promise<string> {
    this.signals.push(signal);
    return new Promise(() => undefined);
  }
}

const message = (id: unknown, method: string, params: object = {}): object => ({ jsonrpc: '2.0', id, method, params });
const INITIALIZE = message(0, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'spec', version: '1' },
});

/** A client at the other end of a socket that is in memory. */
class Client {
  text = '';
  isEnded = false;

  private constructor(
    private readonly end: Duplex,
    readonly side: Duplex,
  ) {
    end.on('data', (chunk: Buffer) => (this.text += chunk.toString()));
    end.on('end', () => (this.isEnded = true));
  }

  static connect(address = '10.0.0.1'): Client {
    const [end, side] = duplexPair();
    world.get(TcpDoor).take(Object.assign(side, { remoteAddress: address, remotePort: 4_000 }) as unknown as Socket);
    const client = new Client(end, side);
    clients.push(client);
    return client;
  }

  say(...messages: (object | string | Buffer)[]): void {
    for (const each of messages) {
      this.end.write(typeof each === 'string' || Buffer.isBuffer(each) ? each : `${JSON.stringify(each)}\n`);
    }
  }

  /** Has nothing more to say. */
  finish(): void {
    this.end.end();
  }

  get lines(): Record<string, unknown>[] {
    return this.text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  async waitFor(count: number): Promise<Record<string, unknown>[]> {
    await eventually(() => this.lines.length >= count, `${count} lines, having ${this.text}`);
    return this.lines;
  }

  async ended(): Promise<string> {
    await eventually(() => this.isEnded || this.side.destroyed, 'the end');
    return this.text;
  }
}

let world: DispatchWorld;
let clients: Client[];

beforeEach(() => {
  clients = [];
  for (const level of ['log', 'debug', 'warn', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
});

afterEach(async () => {
  for (const { side } of clients) side.destroy();
  await world.close();
  jest.restoreAllMocks();
});

async function open(settings: ConfigOverrides = {}, authenticator?: TokenAuthenticator): Promise<void> {
  world = await DispatchWorld.open({
    settings,
    providers: [Tools],
    imports: [TransportModule],
    ...(authenticator && { authenticator }),
  });
}

describe('the TCP door', () => {
  it('S2-1 S2-5 W-8 answers lines by lines, each client its own, whatever their ids', async () => {
    await open();
    const [one, two] = [Client.connect(), Client.connect()];
    for (const client of [one, two]) {
      expect(client.text).toBe('');
      client.say(INITIALIZE, message(0, 'ping'), message('0', 'ping'), '\r\n  \n');
    }
    const expected = [{ id: 0, result: { protocolVersion: '2025-11-25' } }, { id: 0 }, { id: '0' }];
    expect([await one.waitFor(3), await two.waitFor(3)]).toMatchObject([expected, expected]);
    expect(world.get(Connections).countOf('tcp')).toBe(2);
  });

  it('S0-11 S2-20 K-14 answers a line that is too large or is no text, and stays', async () => {
    await open({ limits: { maxMessageBytes: 1_024 } });
    const client = Client.connect();
    client.say('x'.repeat(2_000), '\n', Buffer.from([0xff, 0x0a]), message(1, 'ping'));
    expect(await client.waitFor(3)).toMatchObject([
      { id: null, error: { code: -32600, message: 'Message too large' } },
      { id: null, error: { code: -32700, message: 'Parse error: the line is not UTF-8' } },
      { id: 1, result: {} },
    ]);
    expect(world.security.events.find(({ event }) => event === 'message_too_large')).toMatchObject({
      details: { transport: 'tcp', bytes: 2_000, limit: 1_024 },
    });
  });

  it('S2-21 cuts off a client that never ends its line', async () => {
    await open({ limits: { maxMessageBytes: 1_024, maxBufferBytes: 4_096 } });
    const client = Client.connect();
    for (let i = 0; i < 5; i++) client.say('x'.repeat(1_000));
    await client.ended();
    expect([client.side.destroyed, client.text]).toEqual([true, '']);
    await eventually(() => world.get(Connections).count === 0);
    expect(world.security.names.filter((name) => name === 'message_too_large')).toHaveLength(1);
  });

  it('D-3 cancels what runs for a client that has nothing more to say, and sends it what it is owed', async () => {
    await open();
    const client = Client.connect();
    client.say(INITIALIZE, message(1, 'tools/call', { name: 'wait', arguments: {} }));
    await eventually(() => world.get(Tools).signals.length === 1);
    client.say(JSON.stringify(message('last', 'ping')));
    client.finish();
    await client.ended();
    expect(client.lines.map(({ id }) => id)).toEqual([0, 'last']);
    expect(world.get(Tools).signals[0]?.aborted).toBe(true);
  });

  it.each<[string, ConfigOverrides, string]>([
    ['S2-18', { limits: { tcpMaxConnections: 1 } }, '{"error":"Service unavailable - connection limit reached"}\n'],
    ['S2-15', { rate: { maxConnections: 1 } }, '{"error":"Rate limit exceeded"}\n'],
  ])('%s sends a client away by the line of its refusal', async (_number, settings, line) => {
    await open(settings);
    Client.connect();
    const refused = Client.connect();
    refused.say(INITIALIZE);
    expect(await refused.ended()).toBe(line);
    expect(world.get(Connections).count).toBe(1);
  });

  it('S2-17 sends a blocked address away', async () => {
    await open();
    world.get(AddressBlocks).block('9.9.9.9', 60_000, 'auth_failures');
    expect(await Client.connect('9.9.9.9').ended()).toBe('{"error":"Forbidden"}\n');
    expect(world.security.events.at(-1)).toMatchObject({
      event: 'blocked_connection',
      details: { transport: 'tcp', ip: '9.9.9.9' },
    });
  });

  it('K-36 takes nobody when the server ends', async () => {
    await open();
    world.get(Connections).stopAdmitting();
    expect(await Client.connect().ended()).toBe('{"error":"MCP not ready"}\n');
  });

  it('S2-9 says nothing to a stranger, and everything to who has proved who they are', async () => {
    await open({}, new TokenAuthenticator());
    const client = Client.connect();
    client.say(message(1, 'tools/list'));
    expect(await client.waitFor(1)).toMatchObject([
      { id: 1, error: { code: -32000, message: 'Authentication required' } },
    ]);
    client.say(message(2, 'authenticate', { token: 'good' }), INITIALIZE);
    expect((await client.waitFor(3)).slice(1)).toMatchObject([
      { id: 2, result: { authenticated: true } },
      { id: 0, result: {} },
    ]);
    const other = Client.connect();
    other.say(message(1, 'authenticate', { token: 'bad' }));
    await other.ended();
    expect(other.lines).toMatchObject([{ id: 1, error: { code: -32000, message: 'Authentication failed' } }]);
  });

  it('K-12 sends away one connection too many of its principal, and frees places that are left', async () => {
    await open({ limits: { tcpMaxConnections: 1 } });
    for (let i = 0; i < 3; i++) {
      const client = Client.connect();
      client.say(message(1, 'ping'));
      await client.waitFor(1);
      client.side.destroy();
      await eventually(() => world.get(Connections).count === 0);
    }
  });
});
