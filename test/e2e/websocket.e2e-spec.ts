import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { WebSocket } from 'ws';
import { Doors } from '../support/live-doors.js';
import { type Json, notification, request } from '../support/messages.js';
import { fixture, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { RawWebSocket } from '../support/raw-websocket.js';
import { PATIENCE_MS, until } from '../support/waiting.js';
import { openDescriptors, wire, WireConnection } from './http-wire.js';

const LONG_MS = 4 * PATIENCE_MS;
jest.setTimeout(LONG_MS);
const MODERN = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};
const ERRORS = /^.* (ERROR|FATAL) .*$/m;

/** A connection that speaks WebSocket by hand: it has shaken hands, and does nothing that it is not told to. */
async function byHand(doors: Doors): Promise<WireConnection> {
  const connection = await WireConnection.open(doors.base);
  const handshake = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  };
  connection.send(wire(doors.base, { method: 'GET', path: '/ws', headers: handshake }));
  await connection.said('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  return connection;
}

/** A text frame as a client has to mask it. */
function frame(text: string): Buffer {
  const payload = Buffer.from(text);
  const head =
    payload.length < 126 ? [0x81, 0x80 | payload.length] : [0x81, 0xfe, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from(head), Buffer.alloc(4), payload]);
}

describe('the WebSocket door', () => {
  let doors: Doors;

  beforeAll(async () => {
    const plugins = [fixture('contract/index')];
    doors = await Doors.open({ plugins, env: { MCP_RATE_LIMIT_MAX: '100000' } });
  }, LONG_MS);
  afterAll(() => doors.dispose());

  it('S0-3 S1-5 K-5 serves at /ws and at the root, and selects the sub-protocol mcp alone', async () => {
    for (const url of [doors.wsUrl, doors.base.replace('http', 'ws'), `${doors.wsUrl}?a=b`]) {
      const socket = await RawWebSocket.open(url, { protocols: ['bearer.eA', 'mcp'] });
      expect([socket.ws.protocol, (await socket.initialize()).result?.['protocolVersion']]).toEqual([
        'mcp',
        '2025-11-25',
      ]);
      expect(await socket.close()).toEqual({ code: 1000, reason: '' });
    }
    const { status } = await RawWebSocket.refusal(`${doors.wsUrl}/elsewhere`);
    expect(status).toBe(404);
  });

  it('S0-9 S2-5 answers each socket its own, though all of them use the same ids at once', async () => {
    const sockets = await Promise.all(Array.from({ length: 40 }, () => doors.webSocket()));
    await Promise.all(sockets.map((socket) => socket.initialize()));
    await Promise.all(
      sockets.map(async (socket, at) => {
        const answers = await Promise.all(
          [1, 2, 3].map((id) => socket.callTool(id, 'echo', { message: `${at}-${id}` })),
        );
        expect(answers.map(({ result }) => (result?.['content'] as [{ text: string }])[0].text)).toEqual(
          [1, 2, 3].map((id) => `Echo: ${at}-${id}`),
        );
      }),
    );
    await Promise.all(sockets.map((socket) => socket.close()));
  });

  it('D-2 serves 2026-07-28 too, beside the other era', async () => {
    const socket = await doors.webSocket();
    const discovered = await socket.request(1, 'server/discover', { _meta: MODERN });
    expect(discovered.result?.['supportedVersions']).toContain('2026-07-28');
    const called = await socket.request(2, 'tools/call', { name: 'echo', arguments: { message: 'x' }, _meta: MODERN });
    expect(called.result).toMatchObject({ resultType: 'complete', content: [{ text: 'Echo: x' }] });
    expect((await socket.initialize('2025-03-26')).result?.['protocolVersion']).toBe('2025-03-26');
    expect((await socket.callTool(3, 'echo', { message: 'y' })).result).toMatchObject({
      content: [{ text: 'Echo: y' }],
    });
    socket.send([request('a', 'ping'), request('b', 'ping')]);
    await socket.answer('b');
    await socket.close();
  });

  it('S1-13 S2-23 S2-24 W-15 refuses what is no message, each in its words, and stays', async () => {
    const socket = await doors.webSocket();
    await socket.initialize();
    const { length } = socket.messages;
    const bad: readonly (readonly [string, unknown, number, string])[] = [
      ['{', null, -32700, 'Parse error'],
      ['', null, -32700, 'Parse error'],
      ['5', null, -32600, 'Invalid request: expected object, got number'],
      ['{"jsonrpc":"1.0","id":1,"method":"ping"}', 1, -32600, 'Invalid request: Invalid JSON-RPC version'],
      ['{"jsonrpc":"2.0"}', null, -32600, 'Invalid request: Invalid JSON-RPC structure'],
      ['{"jsonrpc":"2.0","id":2,"method":"gone"}', 2, -32601, 'Method not found: gone'],
      [
        '{"jsonrpc":"2.0","id":3,"method":"ping","params":{"a":{"__proto__":{}}}}',
        3,
        -32600,
        'Invalid request: forbidden key "__proto__"',
      ],
    ];
    for (const [text] of bad) socket.send(text);
    const answers = (await socket.count(length + bad.length)).slice(length);
    const key = ({ id, code, message }: { id: unknown; code: unknown; message: unknown }): string =>
      JSON.stringify([id, code, message]);
    const told = answers.map(({ id, error }) => key({ id, code: error?.code, message: error?.message }));
    expect(told.sort()).toEqual(bad.map(([, id, code, message]) => key({ id, code, message })).sort());
    socket.send(notification('gone/too'), { jsonrpc: '2.0', id: 'nobody asked', result: {} });
    expect((await socket.request('after', 'ping')).result).toEqual({});
    expect(socket.messages).toHaveLength(length + bad.length + 1);
    await socket.close();
  });

  it('S0-11 K-14 answers 2 MB with Message too large, closes 17 MB with 1009, and harms nobody else', async () => {
    const [large, huge, other] = [await doors.webSocket(), await doors.webSocket(), await doors.webSocket()];
    large.send(JSON.stringify(request(1, 'ping', { x: 'x'.repeat(2_000_000) })));
    const [answer] = await large.count(1);
    expect(answer).toEqual({
      jsonrpc: '2.0',
      id: null,
      error: { code: -32600, message: 'Message too large', data: { kind: 'message_too_large' } },
    });
    expect((await large.request(2, 'ping')).result).toEqual({});
    huge.send('x'.repeat(17_000_000));
    expect((await huge.closed).code).toBe(1009);
    expect((await other.request(1, 'ping')).result).toEqual({});
    expect(await doors.events('message_too_large', 2)).toMatchObject([
      { transport: 'websocket', limit: 1_048_576 },
      { transport: 'websocket', limit: 16_777_216 },
    ]);
    await Promise.all([large.close(), other.close()]);
  });

  it('closes a binary frame with 1003', async () => {
    const socket = await doors.webSocket();
    socket.ws.send(Buffer.from(JSON.stringify(request(1, 'ping'))));
    expect(await socket.closed).toEqual({ code: 1003, reason: 'Send text frames' });
  });

  it('K-14 closes a frame of 1 GB with 1009 as soon as it is declared, and holds nothing for it', async () => {
    const connection = await byHand(doors);
    const head = Buffer.alloc(14);
    head.set([0x81, 0xff]);
    head.writeBigUInt64BE(1_073_741_824n, 2);
    connection.send(head);
    const said = Buffer.from(await connection.closed(), 'latin1');
    // A close frame with the code 1009.
    expect(said.includes(Buffer.from([0x88])) && said.includes(Buffer.from([0x03, 0xf1]))).toBe(true);
  });

  it('takes a frame that comes a byte at a time', async () => {
    const connection = await byHand(doors);
    for (const byte of frame(JSON.stringify(request('slow', 'ping')))) connection.send(Buffer.of(byte));
    await connection.said('"id":"slow"');
    connection.end();
  });

  it.each<[string, Json]>([
    ['host', { headers: { Host: 'evil.example' } }],
    ['origin', { origin: 'https://evil.example' }],
    ['origin', { origin: 'null' }],
    ['origin', { origin: 'http://localhost.evil.example' }],
  ])('W-5 refuses a foreign %s with 403 Forbidden: %j', async (what, options) => {
    const { status, phrase, body } = await RawWebSocket.refusal(doors.wsUrl, options);
    expect([status, phrase]).toEqual([403, 'Forbidden']);
    expect(body).toMatchObject({
      error: { message: expect.stringMatching(`^Forbidden ${what}`), data: { kind: `forbidden_${what}` } },
    });
    expect((await doors.events(`${what}_rejected`)).length).toBeGreaterThan(0);
  });

  it('S2-2 lets a page of its own address in, as browsers open it', async () => {
    const socket = await doors.webSocket({ origin: doors.base });
    expect((await socket.initialize()).result).toBeDefined();
    await socket.close();
  });

  it('D-3 S3-6 S3-7 cancels what runs when a client vanishes, and nothing of anybody else', async () => {
    const [victim, watcher] = [await doors.webSocket(), await doors.webSocket()];
    await Promise.all([victim.initialize(), watcher.initialize()]);
    for (const [mark, more] of [
      ['ws-legacy', {}],
      ['ws-modern', { _meta: MODERN }],
    ] as const) {
      victim.send(request(mark, 'tools/call', { name: 'wait_for_abort', arguments: { mark }, ...more }));
      await watcher.callTool(`start ${mark}`, 'start_of', { mark });
    }
    victim.vanish();
    for (const mark of ['ws-legacy', 'ws-modern']) {
      const { result } = await watcher.callTool(`abort ${mark}`, 'abort_of', { mark });
      expect(JSON.stringify(result)).toContain('Cancelled');
    }
    await doors.server.said(/Canceled active requests for disconnected session \w+: 2/);
    await watcher.close();
  });

  it('S0-16 tells who comes and goes', async () => {
    const socket = await doors.webSocket();
    const { localPort } = (socket.ws as unknown as { _socket: { localPort: number } })._socket;
    await doors.server.said(new RegExp(`Client connected: 127\\.0\\.0\\.1:${localPort} \\(ID: [0-9a-f]{16}\\)`));
    await socket.close();
    await doors.server.said(new RegExp(`Client disconnected: 127\\.0\\.0\\.1:${localPort}`));
    await doors.server.said(new RegExp(`Connection closed: 127\\.0\\.0\\.1:${localPort}`));
  });

  it('S0-13 takes nothing more from a client that does not read, whatever it sends, and serves the others', async () => {
    const socket = await doors.webSocket();
    await socket.initialize();
    socket.ws.pause();
    const message = 'x'.repeat(100_000);
    for (let id = 0; id < 1_000; id++) socket.send(request(id, 'tools/call', { name: 'echo', arguments: { message } }));
    const other = await doors.webSocket();
    expect((await other.request(1, 'ping')).result).toEqual({});
    const rss = async (): Promise<number> => {
      const { body } = { body: (await (await fetch(`${doors.base}/status`)).json()) as Json };
      return ((body['process'] as Json)['memory'] as { rss: number }).rss;
    };
    // What was sent are 100 MB, and as much would be owed.
    expect(await rss()).toBeLessThan(400_000_000);
    expect(socket.ws.bufferedAmount).toBeGreaterThan(1_000_000);
    socket.ws.resume();
    await socket.answer(999);
    await Promise.all([socket.close(), other.close()]);
  });

  it('serves a request of a Java client, which asks for h2c, as any other', async () => {
    const connection = await WireConnection.open(doors.base);
    const body = JSON.stringify(
      request(0, 'initialize', {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'java', version: '1' },
      }),
    );
    const headers = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' };
    for (let i = 0; i < 2; i++) {
      connection.send(wire(doors.server.url, { headers, body }));
      const response = await connection.response();
      expect([response.status, response.headers['mcp-session-id'] !== undefined]).toEqual([200, true]);
    }
    connection.send(wire(doors.base, { method: 'GET', path: '/health/live', headers }));
    expect((await connection.response()).body).toBe('{"status":"alive"}');
    connection.end();
  });

  it('S2-22 keeps nothing of clients that were', async () => {
    const before = openDescriptors(doors.server.pid);
    for (let round = 0; round < 3; round++) {
      const sockets = await Promise.all(Array.from({ length: 30 }, () => doors.webSocket()));
      await Promise.all(sockets.map((socket) => socket.initialize()));
      for (const [at, socket] of sockets.entries()) {
        if (at % 2) socket.vanish();
        else void socket.close();
      }
    }
    await until(() => openDescriptors(doors.server.pid) <= before + 2, 'the descriptors of before');
    const { sessions } = (await (await fetch(`${doors.base}/status`)).json()) as { sessions: { active: number } };
    expect(sessions.active).toBeLessThan(5);
    expect(doors.server.stderr).not.toMatch(ERRORS);
  });
});

describe('the client of the SDK', () => {
  let doors: Doors;

  beforeAll(async () => {
    doors = await Doors.open({ plugins: [fixture('everything/index')] });
    // It takes the one of browsers.
    Object.assign(globalThis, { WebSocket });
  }, LONG_MS);
  afterAll(() => doors.dispose());

  it('D-18 works with the WebSocketClientTransport of the SDK, and asks its client back', async () => {
    const capabilities = { sampling: {}, elicitation: {}, roots: { listChanged: true } };
    const client = new Client({ name: 'gatehouse-tests', version: '1' }, { capabilities });
    client.setRequestHandler(ElicitRequestSchema, () => ({
      action: 'accept',
      content: { username: 'ada', email: 'a@b.c' },
    }));
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      role: 'assistant',
      model: 'none',
      content: { type: 'text', text: 'sampled' },
    }));
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///r', name: 'r' }] }));
    await client.connect(new WebSocketClientTransport(new URL(doors.wsUrl)));
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['echo', 'test_elicitation']));
    expect(await client.callTool({ name: 'echo', arguments: { message: 'hi' } })).toMatchObject({
      content: [{ text: 'Echo: hi' }],
    });
    const elicited = await client.callTool({ name: 'test_elicitation', arguments: { message: 'who?' } });
    expect(JSON.stringify(elicited)).toContain('ada');
    const sampled = await client.callTool({ name: 'test_sampling', arguments: { prompt: 'x' } });
    expect(JSON.stringify(sampled)).toContain('sampled');
    const progress: unknown[] = [];
    const onprogress = (step: unknown): void => void progress.push(step);
    await client.callTool({ name: 'test_tool_with_progress', arguments: {} }, undefined, { onprogress });
    expect(progress).toHaveLength(3);
    await client.close();
  });
});

describe('limits of WebSockets', () => {
  let doors: Doors | undefined;

  afterAll(() => doors?.dispose());
  const open = async (flags: string[], env: Record<string, string> = {}): Promise<Doors> => {
    await doors?.dispose();
    return (doors = await Doors.open({ flags, env: { MCP_LOG_LEVEL: 'debug', ...env } }));
  };

  it(
    'S0-10 S2-18 K-13 refuses client 51 of 50 with 503 Service Unavailable, until one leaves',
    async () => {
      const at = await open(['--max-connections', '50']);
      const sockets = await Promise.all(Array.from({ length: 50 }, () => at.webSocket()));
      const { status, phrase, body } = await RawWebSocket.refusal(at.wsUrl);
      expect([status, phrase]).toEqual([503, 'Service Unavailable']);
      expect(body).toMatchObject({ error: { data: { kind: 'connection_limit' } } });
      expect(await at.events('connection_limit')).toMatchObject([
        { transport: 'websocket', ip: '127.0.0.1', limit: 50 },
      ]);
      await sockets[0]?.close();
      await until(() => /Connection closed/.test(at.server.stderr), 'a free place');
      await (await at.webSocket()).close();
    },
    LONG_MS,
  );

  it(
    'S0-10 S2-15 K-13 accepts who is one too many, or too hasty, and closes with 1008 and why, by setting',
    async () => {
      const at = await open(['--max-connections', '2'], { MCP_WS_CLOSE_REFUSED: 'true' });
      await Promise.all([at.webSocket(), at.webSocket()]);
      expect(await (await at.webSocket()).closed).toEqual({ code: 1008, reason: 'Maximum connections reached' });
      const hasty = await open([], { MCP_WS_CLOSE_REFUSED: 'true', MCP_RATE_LIMIT_CONNECTIONS: '1' });
      await hasty.webSocket();
      expect(await (await hasty.webSocket()).closed).toEqual({ code: 1008, reason: 'Rate limit exceeded' });
    },
    LONG_MS,
  );

  it(
    'S0-12 answers message 101 of a minute with Rate limit exceeded, and stays',
    async () => {
      const at = await open([]);
      const socket = await at.webSocket();
      for (let id = 1; id <= 101; id++) socket.send(request(id, 'ping'));
      const answer = await socket.answer(101);
      expect(answer.error).toMatchObject({
        code: -32000,
        message: 'Rate limit exceeded',
        data: { kind: 'rate_limited' },
      });
      expect(answer.error?.data?.['retryAfterMs']).toBeGreaterThan(0);
      expect(socket.messages.filter(({ error }) => error)).toHaveLength(1);
      await at.server.said(/Rate limit exceeded for client: 127\.0\.0\.1:\d+/);
      await socket.close();
    },
    LONG_MS,
  );

  it(
    'S2-15 K-11 refuses an address that connects too often with 429, and says when to come again',
    async () => {
      const at = await open([], { MCP_RATE_LIMIT_CONNECTIONS: '3' });
      for (let i = 0; i < 3; i++) await (await at.webSocket()).close();
      const { status, headers, body } = await RawWebSocket.refusal(at.wsUrl);
      expect([status, Number(headers['retry-after']) > 0]).toEqual([429, true]);
      expect(body).toMatchObject({ error: { message: 'Rate limit exceeded' } });
    },
    LONG_MS,
  );

  it(
    'S0-15 S2-19 S0-31 D-24 tells of its clients, closes those that idle with 1001, and drops those that are dead',
    async () => {
      const at = await open([], {
        MCP_MONITOR_INTERVAL_MS: '1000',
        MCP_WS_IDLE_TIMEOUT_MS: '10000',
        MCP_IDLE_CHECK_INTERVAL_MS: '1000',
        MCP_PING_INTERVAL_MS: '1000',
        MCP_PONG_TIMEOUT_MS: '2000',
      });
      const [idle, active, dead] = [await at.webSocket(), await at.webSocket(), await byHand(at)];
      await at.server.said(/Connection status: 3 active clients/);
      await at.server.said(/Rate limit status: 0 clients over 50% of rate limit/);
      const beat = setInterval(() => active.send(request(Date.now(), 'ping')), 1_000);
      await dead.closed();
      expect(await at.events('websocket_error')).toMatchObject([
        { transport: 'websocket', error: 'No answer to a ping' },
      ]);
      expect(await idle.closed).toEqual({ code: 1001, reason: 'Connection timeout' });
      expect(await at.events('connection_timeout')).toMatchObject([
        { transport: 'websocket', idleMs: expect.any(Number) },
      ]);
      clearInterval(beat);
      expect((await active.request('still there', 'ping')).result).toEqual({});
      await active.close();
    },
    LONG_MS,
  );

  it(
    'S2-32 K-36 says goodbye with 1001 Server shutting down, when what runs has ended, and ends with 0',
    async () => {
      await doors?.dispose();
      const at = (doors = await Doors.open({ plugins: [fixture('contract/index')], env: { MCP_LOG_LEVEL: 'debug' } }));
      const [busy, quiet] = [await at.webSocket(), await at.webSocket()];
      await busy.initialize();
      busy.send(request('late', 'tools/call', { name: 'until_signal', arguments: { mark: 'x' } }));
      await quiet.initialize();
      await quiet.callTool(1, 'start_of', { mark: 'x' });
      const exit = at.server.stop('SIGTERM');
      expect(await quiet.closed).toEqual({ code: 1001, reason: 'Server shutting down' });
      process.kill(at.server.pid, 'SIGUSR2');
      expect((await busy.answer('late')).result).toBeDefined();
      expect(await busy.closed).toEqual({ code: 1001, reason: 'Server shutting down' });
      expect(await exit).toEqual({ code: 0, signal: null });
      expect(await at.events('server_shutdown')).toMatchObject([{ activeConnections: 2 }]);
      expect(await at.events('connection_closed', 2)).toMatchObject([{ code: 1001 }, { code: 1001 }]);
    },
    LONG_MS,
  );
});

describe('K-2 --transport websocket', () => {
  it(
    'S0-3 S0-7 serves WebSockets at the root of its port, and nothing else of MCP',
    async () => {
      const folder = await temporaryFolder();
      const program = Program.start({
        args: ['serve', '--transport', 'websocket', '--host', 'localhost', '--port', '0', '--state-dir', folder.path],
        cwd: folder.path,
      });
      try {
        const [, port = ''] = await program.said(/WebSocket endpoint: ws:\/\/localhost:(\d+)\/ws/);
        expect(program.stderr).toContain(`Using WebSocket transport on localhost:${port}`);
        const socket = await RawWebSocket.open(`ws://localhost:${port}`);
        expect((await socket.initialize()).result).toBeDefined();
        await socket.close();
        for (const path of ['/mcp', '/sse', '/message']) {
          expect([path, (await fetch(`http://localhost:${port}${path}`)).status]).toEqual([path, 404]);
        }
      } finally {
        await program.stop();
        await folder.remove();
      }
    },
    LONG_MS,
  );
});
