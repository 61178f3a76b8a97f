import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { request, type Server } from 'node:http';
import { duplexPair } from 'node:stream';
import { Controller, Get, type INestApplication, Injectable, Logger, Module } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { eventually, TokenAuthenticator } from '../../../test/support/connection-world.js';
import { DispatchWorld } from '../../../test/support/dispatch-world.js';
import { MemoryHttp } from '../../../test/support/memory-http.js';
import { MemorySocket } from '../../../test/support/memory-socket.js';
import type { ConfigOverrides } from '../../config/index.js';
import { AddressBlocks } from '../../limits/index.js';
import { Tool } from '../../tools/index.js';
import { Connections } from '../connections/connections.js';
import { attachGatehouse } from '../http/attach-gatehouse.js';
import { TransportModule } from '../transport.module.js';

@WebSocketGateway({ path: '/chat' })
class ChatGateway {
  @SubscribeMessage('say')
  say(_client: unknown, text: string): { event: string; data: string } {
    return { event: 'said', data: text.toUpperCase() };
  }
}

@Controller('host')
class HostController {
  @Get()
  get(): string {
    return 'of the host';
  }
}

@Module({ providers: [ChatGateway], controllers: [HostController] })
class HostModule {}

@Injectable()
class Tools {
  @Tool({ input: { type: 'object' } })
  big({ size }: { size: number }): string {
    return 'x'.repeat(size);
  }
}

const message = (id: unknown, method: string, params: object = {}): object => ({ jsonrpc: '2.0', id, method, params });
const INITIALIZE = message(0, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'spec', version: '1' },
});

let world: DispatchWorld;
let server: Server;
let sockets: MemorySocket[];

beforeEach(() => {
  sockets = [];
  for (const level of ['log', 'debug', 'warn', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
});

afterEach(async () => {
  for (const { ws, server: side } of sockets) {
    ws.terminate();
    side.destroy();
  }
  await world?.close();
  jest.restoreAllMocks();
});

async function open(
  settings: ConfigOverrides = {},
  {
    authenticator,
    attach = attachGatehouse,
  }: { authenticator?: TokenAuthenticator; attach?: (app: INestApplication) => void } = {},
): Promise<void> {
  world = await DispatchWorld.open({
    settings: { ...settings, server: { transports: ['http'], ...settings.server } },
    providers: [Tools],
    imports: [TransportModule, HostModule],
    ...(authenticator && { authenticator }),
    attach: (app) => {
      server = app.getHttpServer() as Server;
      attach(app);
    },
  });
}
async function connect(...[path, options]: [string?, Parameters<typeof MemorySocket.open>[2]?]): Promise<MemorySocket> {
  const socket = await MemorySocket.open(server, path, options);
  sockets.push(socket);
  return socket;
}

describe('the WebSocket door', () => {
  it('S1-5 K-5 K-40 serves JSON-RPC at /ws and at the root, and selects mcp alone', async () => {
    await open();
    for (const path of ['/ws', '/', '/ws?token=x']) {
      const socket = await connect(path, { protocols: ['other', 'mcp', 'bearer.eA'] });
      expect(socket.ws.protocol).toBe('mcp');
      socket.send(INITIALIZE, message(1, 'ping'));
      expect(await socket.waitFor(2)).toMatchObject([{ id: 0, result: { protocolVersion: '2025-11-25' } }, { id: 1 }]);
    }
    expect((await connect('/ws', { protocols: [] })).ws.protocol).toBe('');
    expect(world.get(Connections).countOf('websocket')).toBe(4);
  });

  it('S0-11 K-14 answers a message that is too large, and stays', async () => {
    await open({ limits: { maxMessageBytes: 1_024 } });
    const [one, two] = [await connect(), await connect()];
    one.send(`"${'x'.repeat(2_000)}"`, message(1, 'ping'));
    two.send(message(2, 'ping'));
    expect(await one.waitFor(2)).toMatchObject([
      { jsonrpc: '2.0', id: null, error: { code: -32600, message: 'Message too large' } },
      { id: 1, result: {} },
    ]);
    expect(await two.waitFor(1)).toMatchObject([{ id: 2 }]);
    expect(world.security.events.find(({ event }) => event === 'message_too_large')).toMatchObject({
      details: { transport: 'websocket', bytes: 2_002, limit: 1_024 },
    });
  });

  it('K-14 closes with 1009 over the hard limit, as soon as the length is known', async () => {
    await open({ limits: { maxMessageBytes: 1_024, maxBufferBytes: 2_048 } });
    const socket = await connect();
    socket.send('x'.repeat(2_049));
    expect(await socket.end()).toMatchObject({ code: 1009 });
    await eventually(() => world.get(Connections).count === 0);
    const declared = await connect();
    // A frame of 1 GB, of which nothing but the head ever comes.
    const head = Buffer.alloc(14, 0);
    head.set([0x81, 0xff]);
    head.writeBigUInt64BE(1_073_741_824n, 2);
    (declared.ws as unknown as { _socket: NodeJS.WritableStream })._socket.write(head);
    expect(await declared.end()).toMatchObject({ code: 1009 });
    expect(world.security.events.filter(({ event }) => event === 'message_too_large')).toHaveLength(2);
  });

  it('closes a binary frame with 1003, and text that is no UTF-8 with 1007', async () => {
    await open();
    const binary = await connect();
    binary.ws.send(Buffer.from('{}'));
    expect(await binary.end()).toEqual({ code: 1003, reason: 'Send text frames' });
    const broken = await connect();
    broken.ws.send(Buffer.from([0xff]), { binary: false });
    expect(await broken.end()).toMatchObject({ code: 1007 });
    await eventually(() => world.security.names.includes('connection_closed'));
    expect(world.security.events.find(({ event }) => event === 'websocket_error')?.details['error']).toContain('UTF-8');
  });

  it('S2-7 refuses with 401 Unauthorized and how to authenticate, and frees the place', async () => {
    await open({ limits: { maxConnections: 1 } }, { authenticator: new TokenAuthenticator() });
    for (let i = 0; i < 3; i++) {
      const { refused } = await connect('/ws', { headers: { authorization: 'Bearer bad' } });
      await eventually(() => refused?.body !== '');
      expect([refused?.status, refused?.headers['www-authenticate'], refused?.headers['connection']]).toEqual([
        401,
        'Bearer realm="gatehouse", error="invalid_token"',
        'close',
      ]);
      expect(JSON.parse(refused?.body ?? '')).toMatchObject({
        error: { code: -32000, data: { kind: 'auth_failed' } },
      });
    }
    const socket = await connect('/ws', { headers: { authorization: 'Bearer good' } });
    socket.send(message(1, 'ping'));
    expect(await socket.waitFor(1)).toMatchObject([{ id: 1 }]);
  });

  it('S2-17 S2-18 S2-15 refuses with 403, 503 and 429, and frees places that were left', async () => {
    await open({ limits: { wsMaxConnections: 1 }, rate: { maxConnections: 2 } });
    world.get(AddressBlocks).block('10.0.0.1', 60_000, 'auth_failures');
    const blocked = await connect();
    expect([blocked.refused?.status, blocked.refused?.headers['retry-after']]).toEqual([403, '60']);
    world.get(AddressBlocks).lift('10.0.0.1');
    const first = await connect();
    const full = await connect();
    expect(full.refused?.status).toBe(503);
    first.ws.close(1000);
    await eventually(() => world.get(Connections).count === 0);
    const second = await connect();
    second.ws.close(1000);
    await eventually(() => world.get(Connections).count === 0);
    const hasty = await connect();
    expect([hasty.refused?.status, hasty.refused?.headers['retry-after']]).toEqual([429, '60']);
  });

  it('K-13 S0-10 accepts and closes with 1008 where the settings want it', async () => {
    await open({ limits: { maxConnections: 1 }, http: { wsCloseRefused: true } });
    await connect();
    const refused = await connect();
    expect(await refused.end()).toEqual({ code: 1008, reason: 'Maximum connections reached' });
    expect(world.get(Connections).count).toBe(1);
  });

  it('W-5 refuses a page of another site with 403', async () => {
    await open();
    const { refused } = await connect('/ws', { origin: 'https://evil.example' });
    await eventually(() => refused?.body !== '');
    expect(refused?.status).toBe(403);
    expect((JSON.parse(refused?.body ?? '') as { error: { message: string } }).error.message).toContain(
      'Forbidden origin',
    );
  });

  it('refuses what is no handshake, and frees its place', async () => {
    await open({ limits: { maxConnections: 1 } });
    for (const head of ['Sec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13', 'Sec-WebSocket-Version: 99']) {
      const [client, side] = duplexPair();
      server.emit('connection', side);
      client.write(
        `GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${head}\r\n\r\n`,
      );
      let text = '';
      client.on('data', (chunk: Buffer) => (text += chunk.toString()));
      await eventually(() => text.includes('\r\n\r\n'));
      expect(text).toMatch(/^HTTP\/1.1 400 /);
    }
    expect((await connect()).refused).toBeUndefined();
  });

  it('frees the place of a client that leaves while its credential is looked at', async () => {
    const authenticator = new TokenAuthenticator();
    await open({ limits: { maxConnections: 1 } }, { authenticator });
    let admit: () => void = () => undefined;
    authenticator.pending = new Promise((resolve) => (admit = resolve));
    const [client, side] = duplexPair();
    server.emit('connection', side);
    const head = ['Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket', 'Authorization: Bearer good'];
    client.write(`GET /ws HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`);
    await eventually(() => authenticator.asked.length === 1);
    side.destroy();
    await eventually(() => side.closed);
    admit();
    await eventually(() => true);
    authenticator.pending = undefined;
    expect((await connect('/ws', { headers: { authorization: 'Bearer good' } })).refused).toBeUndefined();
  });
});

describe('a host application', () => {
  it('D-16 keeps its own gateways and routes', async () => {
    await open();
    const chat = await connect('/chat', { protocols: [] });
    chat.send({ event: 'say', data: 'hello' });
    expect(await chat.waitFor(1)).toEqual([{ event: 'said', data: 'HELLO' }]);
    expect((await new MemoryHttp(server).ask({ method: 'GET', path: '/host' })).text).toBe('of the host');
    expect(world.get(Connections).count).toBe(0);
  });

  it('answers 404 to a WebSocket that is nobody’s', async () => {
    await open();
    const { refused } = await connect('/nowhere');
    expect(refused?.status).toBe(404);
  });

  it('K-2 has no WebSocket of ours where none is to be served', async () => {
    await open({ server: { transports: ['sse'] } });
    expect(server.listenerCount('upgrade')).toBe(1);
    const chat = await connect('/chat', { protocols: [] });
    chat.send({ event: 'say', data: 'x' });
    expect(await chat.waitFor(1)).toEqual([{ event: 'said', data: 'X' }]);
  });

  it('D-16 does not start when another adapter took our place', async () => {
    const attach = (app: INestApplication): void => {
      attachGatehouse(app);
      app.useWebSocketAdapter(new WsAdapter(app));
    };
    await expect(open({}, { attach })).rejects.toThrow('call attachGatehouse(app) after app.useWebSocketAdapter');
  });

  it('gives its server back its upgrades at the end', async () => {
    await open();
    expect(server.listenerCount('upgrade')).toBe(1);
    await world.close();
    expect(server.listenerCount('upgrade')).toBe(0);
  });
});

describe('a request that asks for another protocol', () => {
  const H2C = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAMAAABkAAQAAP__' };

  it('is served as if it had not, body and all, and so are those after it', async () => {
    await open();
    const [client, side] = duplexPair();
    server.emit('connection', side);
    const body = JSON.stringify(INITIALIZE);
    const ask = (headers: Record<string, string>): Promise<{ status: number; text: string }> =>
      new Promise((resolve, reject) => {
        const all = {
          host: 'localhost',
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'content-length': String(body.length),
          ...headers,
        };
        const req = request({
          method: 'POST',
          path: '/mcp',
          headers: all,
          createConnection: () => client,
          setHost: false,
        });
        req.on('error', reject);
        req.on('response', (res) => {
          let text = '';
          res.on('data', (chunk: Buffer) => (text += chunk.toString()));
          res.on('end', () => resolve({ status: res.statusCode ?? 0, text }));
        });
        // Not all at once: what follows is read by another parser than the head.
        req.write(body.slice(0, 10));
        setImmediate(() => req.end(body.slice(10)));
      });
    const { status, text } = await ask(H2C);
    expect([status, JSON.parse(text)]).toMatchObject([200, { id: 0, result: {} }]);
  });
});
