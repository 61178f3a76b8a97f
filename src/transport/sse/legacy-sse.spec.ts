import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { Injectable, Logger } from '@nestjs/common';
import { eventually, TokenAuthenticator } from '../../../test/support/connection-world.js';
import { DispatchWorld, envelope } from '../../../test/support/dispatch-world.js';
import { type Answered, type Coming, MemoryHttp } from '../../../test/support/memory-http.js';
import { principalOf } from '../../../test/support/tool-world.js';
import { CredentialWatch } from '../../auth/index.js';
import type { ConfigOverrides } from '../../config/index.js';
import { AddressBlocks } from '../../limits/index.js';
import { SessionService } from '../../session/index.js';
import { Tool, type ToolContext } from '../../tools/index.js';
import { Connections } from '../connections/connections.js';
import { HttpLane } from '../http/http-lane.js';
import { TransportModule } from '../transport.module.js';

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
  protocolVersion: '2024-11-05',
  capabilities: {},
  clientInfo: { name: 'spec', version: '1' },
});

let world: DispatchWorld;
let server: Server;
let http: MemoryHttp;
let streams: Coming[];

beforeEach(() => {
  streams = [];
  for (const level of ['log', 'debug', 'warn', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
});

afterEach(async () => {
  for (const { leave } of streams) leave();
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
  server = createServer((_req, res) => res.writeHead(418).end('the rest'));
  world.get(HttpLane).attach(server);
  http = new MemoryHttp(server);
}

async function stream(path = '/sse', headers: Record<string, string> = {}): Promise<Coming> {
  const coming = await http.open({ method: 'GET', path, headers: { accept: 'text/event-stream', ...headers } });
  streams.push(coming);
  return coming;
}
/** Where its first event tells to post. */
async function endpointOf({ text }: Coming): Promise<string> {
  await eventually(() => text().includes('\n\n'), 'the first event');
  return /^event: endpoint\ndata: (\S+)\n\n/.exec(text())?.[1] ?? `none: ${text()}`;
}
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answered> =>
  http.ask({ path, body, headers: { accept: undefined, ...headers } });
const messages = ({ text }: Coming): Record<string, unknown>[] =>
  [...text().matchAll(/^event: message\ndata: (.*)$/gm)].map(
    ([, data]) => JSON.parse(data ?? '') as Record<string, unknown>,
  );
const data = ({ text }: Coming): unknown[] =>
  [...text().matchAll(/(?<!event: message\n)(?<!event: endpoint\n)^data: (.*)$/gm)].map(
    ([, json]) => JSON.parse(json ?? '') as unknown,
  );
/** Lets time pass as the sweep of the server sees it. */
function pass(ms: number): void {
  for (let passed = 0; passed < ms; passed += 1_000) {
    world.clock.advance(1_000);
    world.get(Connections).sweep();
  }
}

describe('a stream', () => {
  it('S1-5 S1-14 K-7 tells first where to post, and nothing that its client would not know', async () => {
    await open();
    const one = await stream();
    expect([one.status, one.headers['content-type']]).toEqual([200, 'text/event-stream']);
    expect(one.headers['cache-control']).toContain('no-cache');
    expect(await endpointOf(one)).toMatch(/^\/message\?sessionId=[0-9a-f]{32}$/);
    expect(data(one)).toEqual([]);
  });

  it('S1-15 brings the answers to what is posted, which itself is answered by 202', async () => {
    await open();
    const [one, two] = [await stream(), await stream()];
    const url = await endpointOf(one);
    const taken = await post(url, INITIALIZE);
    expect([taken.status, taken.text]).toEqual([202, 'Message queued for SSE delivery']);
    expect(taken.headers['content-type']).toMatch(/^text\/plain/);
    expect((await post(url, message('a', 'tools/list'))).status).toBe(202);
    expect((await post(url, { jsonrpc: '2.0', method: 'notifications/initialized' })).status).toBe(202);
    await eventually(() => messages(one).length === 2);
    expect(messages(one)).toMatchObject([{ id: 0, result: { protocolVersion: '2024-11-05' } }, { id: 'a' }]);
    expect(messages(two)).toEqual([]);
  });

  it.each<[string, string, Record<string, string>]>([
    ['X-Client-ID', '', { 'x-client-id': 'ID' }],
    ['X-MCP-Session-Id', '', { 'x-mcp-session-id': 'ID' }],
    ['client_id', '?client_id=ID', {}],
    ['sessionId', '?sessionId=ID', {}],
  ])('K-8 is named by %s', async (_name, query, headers) => {
    await open();
    const one = await stream();
    const id = /sessionId=(.*)/.exec(await endpointOf(one))?.[1] ?? '';
    const filled = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace('ID', id)]));
    expect((await post(`/message${query.replace('ID', id)}`, message(1, 'ping'), filled)).status).toBe(202);
    await eventually(() => messages(one).length === 1);
  });

  it.each<[string, string, Record<string, string>, ConfigOverrides]>([
    ['?client_id=', '/sse?client_id=mine', {}, {}],
    ['X-Client-ID', '/sse', { 'x-client-id': 'mine' }, {}],
    ['the settings', '/sse', {}, { http: { sseClientIdEvent: true } }],
  ])('S1-14 K-7 W-17 tells its id by a data event, and pings, where %s asks for it; the id is ours', async (...row) => {
    const [, path, headers, settings] = row;
    await open(settings);
    const one = await stream(path, headers);
    const url = await endpointOf(one);
    await eventually(() => data(one).length === 1);
    const id = url.slice('/message?sessionId='.length);
    expect(data(one)).toEqual([{ type: 'connected', client_id: id }]);
    expect(id).not.toContain('mine');
    pass(30_000);
    await eventually(() => data(one).length === 2);
    expect(data(one)[1]).toEqual({ type: 'ping' });
  });

  it('is kept alive by a comment every 15 s', async () => {
    await open();
    const one = await stream();
    pass(14_000);
    expect(one.text()).not.toContain(': keep-alive');
    pass(31_000);
    await eventually(() => one.text().split(': keep-alive\n\n').length === 4);
    expect(data(one)).toEqual([]);
  });

  it('D-3 S3-6 cancels what runs for it when it closes, and its id is gone', async () => {
    await open();
    const one = await stream();
    const url = await endpointOf(one);
    await post(url, INITIALIZE);
    await post(url, message(1, 'tools/call', { name: 'wait', arguments: {} }));
    await eventually(() => world.get(Tools).signals.length === 1);
    one.leave();
    await eventually(() => world.get(Tools).signals[0]?.aborted === true);
    expect([world.get(SessionService).count, world.get(Connections).count]).toEqual([0, 0]);
    expect((await post(url, message(2, 'ping'))).status).toBe(404);
  });

  it('D-10 ends with the credential that opened it', async () => {
    await open();
    const one = await stream();
    await endpointOf(one);
    world.get(CredentialWatch).revoke(() => true);
    await one.ended;
  });

  it('S2-15 S2-17 S2-18 K-12 is opened under the rules of every door', async () => {
    const limits = { wsMaxConnections: 2, maxConnectionsPerPrincipal: 1 };
    await open(
      { limits, rate: { maxConnections: 3 } },
      new TokenAuthenticator({ a: principalOf('a'), b: { ...principalOf('b'), subject: 'b' } }),
    );
    const get = (token: string): Promise<Coming> => stream('/sse', { authorization: `Bearer ${token}` });
    const kindOf = async ({ ended, text }: Coming): Promise<unknown> => {
      await ended;
      return (JSON.parse(text()) as { error: { data: { kind: string } } }).error.data.kind;
    };
    const first = await get('a');
    const again = await get('a');
    expect([again.status, await kindOf(again)]).toEqual([503, 'connection_limit']);
    const other = await get('b');
    expect([other.status, (await get('b')).status]).toEqual([200, 503]);
    first.leave();
    await eventually(() => world.get(Connections).count === 1);
    const hasty = await get('a');
    expect([hasty.status, await kindOf(hasty), hasty.headers['retry-after']]).toEqual([429, 'rate_limited', '60']);
    expect((await stream('/sse')).status).toBe(401);
  });

  it('S2-17 is refused to a blocked address, as every request of the lane', async () => {
    await open({ server: { trustedProxies: ['127.0.0.1'] } });
    jest.spyOn(world.get(AddressBlocks), 'blockOf').mockReturnValue({ address: 'x', reason: 'r', until: Infinity });
    for (const path of ['/sse', '/message', '/mcp']) expect([path, (await stream(path)).status]).toEqual([path, 403]);
  });
});

describe('a message', () => {
  it('W-17 goes to no stream that is not there, or is somebody else’s', async () => {
    const tokens = { a: principalOf('a'), b: { ...principalOf('b'), subject: 'b' } };
    await open({}, new TokenAuthenticator(tokens));
    const one = await stream('/sse', { authorization: 'Bearer a' });
    const url = await endpointOf(one);
    const other = await post(url, message(1, 'ping'), { authorization: 'Bearer b' });
    const none = await post('/message?sessionId=0', message(1, 'ping'), { authorization: 'Bearer b' });
    expect([other.status, none.status, other.text]).toEqual([404, 404, none.text]);
    expect(world.security.events.filter(({ event }) => event === 'session_hijack_attempt')).toMatchObject([
      { details: { transport: 'sse', principal: 'https://idp/b' } },
    ]);
    expect((await post(url, message(1, 'ping'))).status).toBe(401);
    expect(messages(one)).toEqual([]);
  });

  it('S1-15 S2-23 that is no JSON is refused with 400, is an event, and counts as any', async () => {
    await open({ rate: { maxMessages: 2 } });
    const url = await endpointOf(await stream());
    for (const path of [url, '/message']) {
      const answer = await post(path, '{');
      expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
        400,
        { id: null, error: { code: -32700, message: 'Parse error' } },
      ]);
    }
    const details = { transport: 'sse', principal: 'gatehouse/anonymous', error: 'parse_error', bytes: 1 };
    expect(world.security.events.filter(({ event }) => event === 'invalid_input')).toMatchObject([
      { details: { ...details, clientId: expect.any(String) } },
      { details },
    ]);
    expect((await post(url, '{')).status).toBe(400);
    const limited = await post(url, '{');
    expect([limited.status, JSON.parse(limited.text)]).toMatchObject([
      429,
      { id: null, error: { data: { kind: 'rate_limited' } } },
    ]);
  });

  it('S1-13 S2-23 that is no request is told so on the stream', async () => {
    await open();
    const one = await stream();
    const url = await endpointOf(one);
    await post(url, '5');
    await post(url, { id: 1, method: 'ping' });
    await eventually(() => messages(one).length === 2);
    expect(messages(one)).toMatchObject([
      { id: null, error: { code: -32600, message: 'Invalid request: expected object, got number' } },
      { id: 1, error: { code: -32600, message: 'Invalid request: Invalid JSON-RPC version' } },
    ]);
  });

  it.each([message('m', 'tools/list', { _meta: envelope() }), message('m', 'server/discover', { _meta: envelope() })])(
    'D-2 of 2026-07-28 is refused with -32022',
    async (modern) => {
      await open();
      const one = await stream();
      for (const path of [await endpointOf(one), '/message']) {
        const answer = await post(path, modern);
        expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
          400,
          { id: 'm', error: { code: -32022, data: { kind: 'unsupported_revision', requested: '2026-07-28' } } },
        ]);
        const { supported } = (JSON.parse(answer.text) as { error: { data: { supported: string[] } } }).error.data;
        expect(supported).not.toContain('2026-07-28');
      }
      expect(messages(one)).toEqual([]);
    },
  );

  it('S0-13 is not taken from a client that does not read its stream', async () => {
    await open({ limits: { maxQueue: 1 } });
    const one = await stream();
    const url = await endpointOf(one);
    const [connection] = world.get(Connections);
    jest.spyOn(connection as NonNullable<typeof connection>, 'heldCount', 'get').mockReturnValue(1);
    const answer = await post(url, message(1, 'ping'));
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([503, { error: { data: { kind: 'server_busy' } } }]);
  });

  it('S1-15 without a stream is answered in its own body', async () => {
    await open();
    for (const [body, answer] of [
      [INITIALIZE, { id: 0, result: { protocolVersion: '2024-11-05' } }],
      [message(1, 'tools/list'), { id: 1, result: {} }],
      [message(2, 'tools/call', { name: 'echo', arguments: { message: 'x' } }), { id: 2, result: {} }],
      [message(3, 'gone'), { id: 3, error: { code: -32601 } }],
    ] as const) {
      const { status, text } = await post('/message', body);
      expect([status, JSON.parse(text)]).toMatchObject([200, answer]);
    }
    const notice = await post('/message', { jsonrpc: '2.0', method: 'notifications/initialized' });
    expect([notice.status, notice.text]).toEqual([202, '']);
    await eventually(() => world.get(SessionService).count === 0);
  });

  it('D-3 without a stream ends with its request', async () => {
    await open();
    let side: Duplex | undefined;
    server.once('connection', (socket: Duplex) => (side = socket));
    void http.open({ path: '/message', body: message(1, 'tools/call', { name: 'wait', arguments: {} }) });
    await eventually(() => world.get(Tools).signals.length === 1);
    side?.destroy();
    await eventually(() => world.get(Tools).signals[0]?.aborted === true);
    await eventually(() => world.get(SessionService).count === 0);
  });

  it('W-13 without a stream is counted by address: each has a session of its own', async () => {
    await open({ rate: { maxMessages: 2 } });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await post('/message', message(i, 'ping'))).status);
    expect(statuses).toEqual([200, 200, 429]);
  });

  it.each<[string, string, number, string | undefined]>([
    ['POST', '/sse', 405, 'GET, OPTIONS'],
    ['GET', '/message', 405, 'POST, OPTIONS'],
    ['DELETE', '/message', 405, 'POST, OPTIONS'],
    ['OPTIONS', '/sse', 204, 'GET, OPTIONS'],
  ])('%s %s is answered %i', async (method, path, status, allow) => {
    await open();
    const answer = await http.ask({ method, path, body: method === 'POST' ? INITIALIZE : undefined });
    expect([answer.status, answer.headers['allow']]).toEqual([status, allow]);
  });

  it('is JSON, and a stream is taken by who takes streams', async () => {
    await open();
    expect((await post('/message', 'x', { 'content-type': 'text/plain' })).status).toBe(415);
    expect((await stream('/sse', { accept: 'application/json' })).status).toBe(406);
  });
});

describe('the paths of the lane', () => {
  const statuses = async (): Promise<number[]> => {
    const found = [];
    for (const path of ['/mcp', '/message']) found.push((await http.ask({ path, body: message(1, 'ping') })).status);
    found.push((await stream()).status);
    return found;
  };

  it('K-2 are all of them on http, and one family where only that is named', async () => {
    await open();
    expect(await statuses()).toEqual([400, 200, 200]);
  });

  it('K-6 a GET of /mcp without a session opens a stream of the older form, by setting alone', async () => {
    await open({ http: { legacySseOnMcp: true } });
    const one = await stream('/mcp');
    const url = await endpointOf(one);
    expect(url).toMatch(/^\/mcp\?sessionId=[0-9a-f]{32}$/);
    expect((await post(url, INITIALIZE)).status).toBe(202);
    const id = url.slice('/mcp?sessionId='.length);
    expect((await post('/mcp', message(1, 'ping'), { 'x-mcp-session-id': id })).status).toBe(202);
    await eventually(() => messages(one).length === 2);
    // What belongs to Streamable HTTP goes on as ever.
    const opened = await http.ask({ body: INITIALIZE });
    const session = { 'mcp-session-id': String(opened.headers['mcp-session-id']) };
    expect((await http.ask({ body: message(1, 'ping'), headers: session })).status).toBe(200);
    expect((await stream('/mcp', session)).text()).not.toContain('endpoint');
  });

  it('K-6 is refused otherwise', async () => {
    await open();
    expect((await stream('/mcp')).status).toBe(400);
  });
});
