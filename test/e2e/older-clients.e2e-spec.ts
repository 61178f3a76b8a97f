import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Doors } from '../support/live-doors.js';
import { initializeParams, type Json, type Message, notification, request } from '../support/messages.js';
import { fixture, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import type { RawLines } from '../support/raw-lines.js';
import { RawSse } from '../support/raw-sse.js';
import { RawWebSocket } from '../support/raw-websocket.js';
import { RestClient } from '../support/rest-client.js';
import { PATIENCE_MS, until, within } from '../support/waiting.js';
import { exchange, wire } from './http-wire.js';

const LONG_MS = 4 * PATIENCE_MS;
jest.setTimeout(LONG_MS);
const OLDEST = '2024-11-05';
/** The default of 10 MB (S2-20). */
const MAX_BODY_BYTES = 10_485_760;
const TOO_LARGE = `Input too large: a body holds ${MAX_BODY_BYTES} bytes at most`;

describe('what clients of before expect on the wire', () => {
  let doors: Doors;

  beforeAll(async () => {
    doors = await Doors.open({
      plugins: [fixture('contract/index')],
      flags: ['--name', 'Older Server'],
      env: {
        MCP_RATE_LIMIT_MAX: '100000',
        MCP_LOG_LEVEL: 'debug',
        MCP_ANONYMOUS_ROLE: 'admin',
        TOOL_EXCLUDE: 'list_files',
        MCP_LEGACY_SSE_ON_MCP: 'true',
      },
    });
  }, LONG_MS);
  afterAll(() => doors.dispose());

  it('S1-5 GET /ws is an upgrade, GET /sse a stream and POST /message a message, all on one port', async () => {
    const socket = await upgraded(doors.server.port, '/ws');
    expect(socket.head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    // RFC 6455 1.3: the answer to the key that is the example there.
    expect(socket.head).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n');
    socket.raw.destroy();
    const stream = await RawSse.open(doors.sseUrl);
    expect(stream.endpoint).toMatch(/^\/message\?sessionId=[0-9a-f]{32}$/);
    expect((await stream.post(request(1, 'ping'))).status).toBe(202);
    await stream.leave();
  });

  it('S1-6 S1-7 S1-8 S1-9 S1-10 S1-11 every method of theirs is answered, through each of their doors', async () => {
    const clients = [await doors.webSocket(), await doors.lines(), await RawSse.open(doors.sseUrl)];
    for (const client of clients) {
      const { result: opened } = await client.initialize(OLDEST);
      expect(opened).toMatchObject({
        protocolVersion: OLDEST,
        capabilities: { tools: {}, resources: {} },
        serverInfo: { name: 'Older Server', version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
      });
      const { result: listed } = await client.request('list', 'tools/list');
      const names = (listed?.['tools'] as { name: string }[]).map(({ name }) => name);
      expect(names).toContain('echo');
      expect(names).not.toContain('list_files');
      const { result: called } = await client.callTool('call', 'echo', { message: 'hi' });
      expect(called).toEqual({ content: [{ type: 'text', text: 'Echo: hi' }] });
      const off = await client.callTool('off', 'list_files', { path: '.' });
      const isNotEnabled = (name: string) => ({
        isError: true,
        content: [{ type: 'text', text: `Tool '${name}' is not enabled on this server` }],
      });
      expect(off.result).toMatchObject(isNotEnabled('list_files'));
      const { result: resources } = await client.request('resources', 'resources/list');
      const known = (resources?.['resources'] as Json[]).map(({ uri, name, mimeType }) => ({ uri, name, mimeType }));
      expect(known).toEqual(
        expect.arrayContaining([
          { uri: 'server://info', name: 'Server Information', mimeType: 'application/json' },
          { uri: 'server://stats', name: 'System Statistics', mimeType: 'application/json' },
        ]),
      );
      const { result: read } = await client.request('read', 'resources/read', { uri: 'server://info' });
      expect(JSON.parse((read?.['contents'] as [{ text: string }])[0].text)).toMatchObject({ server: 'Older Server' });
      await leave(client);
    }
  });

  it('S0-11 S1-15 S2-20 a message that is too large is refused with 413, and the stream goes on', async () => {
    const stream = await RawSse.open(doors.sseUrl);
    const refused = await stream.post(request(1, 'ping', { filler: 'x'.repeat(17 * 1024 ** 2) }));
    expect([refused.status, await refused.json()]).toMatchObject([
      413,
      { jsonrpc: '2.0', id: null, error: { code: -32600, message: TOO_LARGE } },
    ]);
    const toMcp = await exchange(
      doors.server.url,
      wire(doors.server.url, { headers: { 'Content-Length': String(MAX_BODY_BYTES + 1) } }),
    );
    expect([toMcp.status, JSON.parse(toMcp.body)]).toMatchObject([
      413,
      { error: { code: -32600, message: TOO_LARGE } },
    ]);
    await stream.initialize(OLDEST);
    expect((await stream.request(2, 'ping')).result).toEqual({});
    await stream.leave();
  });

  it('S0-17 what the operator says to all reaches every client, whatever became of the others', async () => {
    const clients = [await doors.webSocket(), await doors.lines(), await RawSse.open(doors.sseUrl)];
    const dead = await doors.webSocket();
    for (const client of [...clients, dead]) await client.initialize(OLDEST);
    dead.vanish();
    const answer = await new RestClient(doors.base).post('/admin/notices', { message: 'back at ten' });
    expect([answer.status, Number(answer.json['told']) >= clients.length]).toEqual([200, true]);
    for (const client of clients) {
      const told = await client.message(({ method }) => method === 'server_notification', 'the notice');
      expect(told).toEqual({ jsonrpc: '2.0', method: 'server_notification', params: { message: 'back at ten' } });
      await leave(client);
    }
  });

  it('S1-17 a bare string is the message of echo, and named to any other tool', async () => {
    const client = await doors.webSocket();
    await client.initialize(OLDEST);
    const call = (id: string, name: string) => client.request(id, 'tools/call', { name, arguments: 'text' });
    expect(textOf(await call('echo', 'echo'))).toBe('Echo: text');
    expect((await call('other', 'get_time')).result).toMatchObject({
      isError: true,
      content: [{ type: 'text', text: "Tool 'get_time' expects object arguments, got string: text" }],
    });
    await client.close();
  });

  it('S2-25 W-11 text of clients comes back as it was, and never becomes a line of the log or a frame of its own', async () => {
    const hostile = '\n{"jsonrpc":"2.0","id":1,"result":"forged"}\n<script>alert(1)</script>\u0000\u001b[2J\u2028\r\n';
    const client = await doors.lines();
    await client.initialize(OLDEST);
    expect(textOf(await client.callTool('x', 'echo', { message: hostile }))).toBe(`Echo: ${hostile}`);
    await client.request('y', hostile);
    expect(client.messages.map(({ id }) => id)).toEqual(['init', 'x', 'y']);
    expect(doors.server.stderr).not.toContain('\u001b[2J');
    expect(doors.server.stderr).not.toMatch(/^\{"jsonrpc":"2.0","id":1,"result":"forged"\}/m);
    client.leave();
  });

  it('S3-3 S3-13 a connection is told of when it comes and when it goes, once each', async () => {
    const client = await doors.lines();
    const port = (client.socket.address() as { port: number }).port;
    await client.initialize(OLDEST);
    client.leave();
    await doors.server.said(new RegExp(`Connection closed: 127\\.0\\.0\\.1:${port}\\b`));
    const told = [
      ...doors.server.stderr.matchAll(new RegExp(`(Client \\w+|Connection closed): 127\\.0\\.0\\.1:${port}\\b`, 'g')),
    ];
    expect(told.map(([, what]) => what)).toEqual(['Client connected', 'Client disconnected', 'Connection closed']);
  });

  it('S3-5 S3-8 what runs has an id that no other has, until it is done or failed', async () => {
    const rest = new RestClient(doors.base);
    const active = async (): Promise<number> => {
      const { json } = await rest.get('/sessions/metrics');
      return (json['activeRequests'] as { total: number }).total;
    };
    const client = await doors.webSocket();
    await client.initialize();
    const mark = `older ${Math.random()}`;
    for (const id of [1, 2]) client.send(request(id, 'tools/call', { name: 'wait_for_abort', arguments: { mark } }));
    await until(async () => (await active()) === 2, 'two that run');
    const failures = [await client.callTool(3, 'throw_error'), await client.callTool(4, 'throw_error')];
    const ids = failures.map((failure) => /req-[0-9a-f-]{36}/.exec(textOf(failure) ?? '')?.[0]);
    expect([ids.every(Boolean), new Set(ids).size]).toEqual([true, 2]);
    expect(await active()).toBe(2);
    for (const requestId of [1, 2]) client.send(notification('notifications/cancelled', { requestId }));
    await until(async () => (await active()) === 0, 'none that runs');
    await client.close();
  });

  it('S3-14 other verbs, other paths and pages of others are refused as before', async () => {
    const { url, port } = { url: doors.server.url, port: doors.server.port };
    const other = await exchange(url, wire(url, { method: 'PUT' }));
    expect(other.status).toBe(405);
    expect((await new RestClient(url).get('/nowhere')).status).toBe(404);
    const foreign = await exchange(url, wire(url, { body: '{}', headers: { Origin: 'https://evil.example' } }));
    expect([foreign.status, JSON.parse(foreign.body)]).toMatchObject([
      403,
      { error: { message: expect.stringMatching(/^Forbidden origin/) } },
    ]);
    const own = await exchange(url, wire(url, { method: 'OPTIONS', headers: { Origin: `http://127.0.0.1:${port}` } }));
    expect(own.status).toBe(204);
  });

  it('S3-14 W-41 POST /mcp reaches the stream that its query names', async () => {
    const stream = await RawSse.open(doors.server.url);
    expect(stream.endpoint).toMatch(/^\/mcp\?sessionId=[0-9a-f]{32}$/);
    expect((await stream.post(request(1, 'initialize', initializeParams(OLDEST)))).status).toBe(202);
    expect((await stream.answer(1)).result).toMatchObject({ protocolVersion: OLDEST });
    await stream.leave();
  });

  it('S3-27 an empty session, a usual one and one that breaks off leave the server as it was', async () => {
    const rest = new RestClient(doors.base);
    const sessions = async (): Promise<number> => {
      const { json } = await rest.get('/sessions/metrics');
      return (json['sessions'] as { activeSessions: number }).activeSessions;
    };
    await until(async () => (await sessions()) === 0, 'those before to be gone');
    const [empty, usual, broken] = [await doors.webSocket(), await doors.webSocket(), await doors.webSocket()];
    for (const each of [empty, usual, broken]) await each.initialize();
    expect(await sessions()).toBe(3);
    await usual.request(1, 'tools/list');
    expect(textOf(await usual.callTool(2, 'echo', { message: 'usual' }))).toBe('Echo: usual');
    broken.send(request(1, 'tools/call', { name: 'wait_for_abort', arguments: { mark: 'broken' } }));
    expect(textOf(await usual.callTool(3, 'echo', { message: 'beside' }))).toBe('Echo: beside');
    broken.vanish();
    await Promise.all([empty.close(), usual.close()]);
    await until(async () => (await sessions()) === 0, 'no session to be left');
  });
});

describe('S3-9 sessions within their bounds', () => {
  it('are no more than the settings allow, and end with their connection when they are ended', async () => {
    const doors = await Doors.open({
      plugins: [fixture('contract/index')],
      env: { MCP_SESSION_MAX: '2', MCP_ANONYMOUS_ROLE: 'admin' },
    });
    try {
      const busy = [await doors.webSocket(), await doors.lines()];
      for (const client of busy) {
        await client.initialize();
        client.send(request('runs', 'tools/call', { name: 'wait_for_abort', arguments: { mark: 'busy' } }));
      }
      const late = await doors.webSocket();
      expect((await late.initialize()).error).toMatchObject({
        message: expect.stringMatching(/^Maximum session limit \(2\) .*reached/),
        data: { kind: 'session_limit' },
      });
      const rest = new RestClient(doors.base);
      const listed = (await rest.get('/admin/sessions')).json['sessions'] as { id: string; door: string }[];
      const { id } = listed.find(({ door }) => door === 'websocket') as { id: string };
      const ended = await rest.send('DELETE', `/admin/sessions/${id}`, {
        headers: { 'X-Requested-With': 'test' },
      });
      expect(ended.status).toBe(204);
      await within((busy[0] as RawWebSocket).closed, 'the end of the WebSocket');
      expect((await late.request('again', 'initialize', initializeParams(OLDEST))).result).toBeDefined();
      for (const client of busy) client.vanish();
    } finally {
      await doors.dispose();
    }
  });
});

describe('settings of before', () => {
  it('S3-19 S0-1 are told what took their place, and the others mean what they meant', async () => {
    const folder = await temporaryFolder();
    const env = {
      MCP_TRANSPORT_TYPE: 'stdio',
      MCP_ENABLE_DUAL_TRANSPORT: 'false',
      MCP_SERVER_PORT: '3001',
      MCP_LOG_LEVEL: 'warn',
    };
    const { code, stdout, stderr } = await Program.run({ args: ['config'], env, cwd: folder.path });
    expect(code).toBe(0);
    expect(stderr).toMatch(/MCP_TRANSPORT_TYPE.*MCP_SERVER_TRANSPORT/);
    expect(stderr).toMatch(/MCP_ENABLE_DUAL_TRANSPORT.*MCP_SERVER_TRANSPORT/);
    expect(stdout).toMatch(/server\.port\s+3001/);
    expect(stdout).toMatch(/\.level\s+"warn"\s+env/);
    await folder.remove();
  });

  it.each([
    ['error', false],
    ['warn', false],
    ['info', true],
    ['debug', true],
  ])('S2-29 MCP_LOG_LEVEL=%s decides what is written: who connects is %s', async (level, isWritten) => {
    const doors = await Doors.open({ env: { MCP_LOG_LEVEL: level } });
    const client = await doors.lines();
    await client.initialize();
    client.leave();
    await doors.server.stop();
    expect(doors.server.stderr.includes('Client connected')).toBe(isWritten);
    await doors.dispose();
  });
});

/** A handshake in bytes. @returns the head of the answer */
async function upgraded(port: number, path: string): Promise<{ readonly raw: Socket; readonly head: string }> {
  const raw = connect(port, '127.0.0.1');
  raw.write(
    [
      `GET ${path} HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
      '\r\n',
    ].join('\r\n'),
  );
  const [head] = (await within(once(raw, 'data'), 'the answer to the handshake')) as [Buffer];
  return { raw, head: head.toString('latin1') };
}

function leave(client: RawWebSocket | RawLines | RawSse): unknown {
  return client instanceof RawWebSocket ? client.close() : client.leave();
}

function textOf({ result }: Message): string | undefined {
  return (result?.['content'] as [{ text: string }] | undefined)?.[0].text;
}
