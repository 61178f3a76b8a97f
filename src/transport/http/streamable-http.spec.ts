import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import { Injectable, Logger } from '@nestjs/common';
import { type Answer, DispatchWorld, envelope } from '../../../test/support/dispatch-world.js';
import { type Answered, type Asked, type Coming, MemoryHttp } from '../../../test/support/memory-http.js';
import { Lifecycle } from '../../common/index.js';
import type { ConfigOverrides } from '../../config/index.js';
import { SessionService } from '../../session/index.js';
import { Tool, type ToolContext } from '../../tools/index.js';
import { TransportModule } from '../transport.module.js';
import { HttpLane } from './http-lane.js';
import { OpenExchanges } from './open-exchanges.js';

@Injectable()
class Tools {
  readonly ends: ((value: string) => void)[] = [];
  readonly contexts: ToolContext[] = [];

  @Tool()
  wait(_args: unknown, context: ToolContext): Promise<string> {
    this.contexts.push(context);
    return new Promise((resolve) => this.ends.push(resolve));
  }

  @Tool({ input: { type: 'object' } })
  say(args: unknown): string {
    return JSON.stringify(args);
  }

  @Tool()
  report(_args: unknown, context: ToolContext): string {
    context.progress(1);
    return 'done';
  }

  @Tool({ input: { type: 'object', properties: { region: { type: 'string', 'x-mcp-header': 'Region' } } } })
  deploy({ region }: { region?: string }): string {
    return region ?? 'nowhere';
  }
}

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'spec', version: '1' } },
};
const request = (id: unknown, method: string, params: object = {}): object => ({ jsonrpc: '2.0', id, method, params });
const call = (id: unknown, name: string, params: object = {}): object =>
  request(id, 'tools/call', { name, arguments: {}, ...params });

let world: DispatchWorld;
let server: Server;
let http: MemoryHttp;

async function open(settings: ConfigOverrides = {}): Promise<void> {
  world = await DispatchWorld.open({ settings, providers: [Tools], imports: [TransportModule] });
  server = createServer((_req, res) => res.writeHead(418).end('the rest'));
  world.get(HttpLane).attach(server);
  http = new MemoryHttp(server);
}

beforeEach(() => {
  for (const level of ['log', 'debug', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
});

afterEach(async () => {
  await world.close();
  jest.restoreAllMocks();
});

const parsed = ({ text }: Answered): Answer => JSON.parse(text) as Answer;
const events = (text: string): Answer[] =>
  text
    .split('\n\n')
    .flatMap((event) => event.split('\n').filter((line) => line.startsWith('data: {')))
    .map((line) => JSON.parse(line.slice('data: '.length)) as Answer);

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 2_000 && !isSo(); i++) await new Promise((resolve) => setImmediate(resolve));
  if (!isSo()) throw new Error('It never was so');
}

/** Headers of a session. */
async function connect(protocolVersion = '2025-11-25'): Promise<Record<string, string>> {
  const { headers } = await http.ask({ body: { ...INITIALIZE, params: { ...INITIALIZE.params, protocolVersion } } });
  return { 'mcp-session-id': String(headers['mcp-session-id']) };
}

describe('the lane', () => {
  it('takes the endpoint, and leaves the rest to whom it was', async () => {
    await open();
    expect((await http.ask({ method: 'GET', path: '/' })).status).toBe(418);
    for (const path of ['/mcpx', '/mcp/x', '/MCP', '/x?/mcp', '/mcp%3F']) {
      expect([path, (await http.ask({ path, body: INITIALIZE })).status]).toEqual([path, 418]);
    }
    for (const path of ['/mcp', '/mcp?', '/mcp?sessionId=1']) {
      expect([path, (await http.ask({ path, body: INITIALIZE })).status]).toEqual([path, 200]);
    }
  });

  it('sets the deadlines of the settings, once', async () => {
    await open({ http: { headersTimeoutMs: 5_000, bodyTimeoutMs: 7_000 } });
    expect([server.headersTimeout, server.requestTimeout, server.keepAliveTimeout]).toEqual([5_000, 7_000, 75_000]);
    const listeners = server.listeners('request');
    world.get(HttpLane).attach(createServer());
    world.get(HttpLane).attach(server);
    expect([server.listeners('request'), world.get(HttpLane).isAttached]).toEqual([listeners, true]);
  });

  it('K-36 begins nothing more once the server ends, and says when to ask again', async () => {
    await open();
    const session = await connect();
    world.get(Lifecycle).stop();
    world.get(HttpLane).close();
    const stream = { method: 'GET', headers: { ...session, accept: 'text/event-stream' } };
    for (const asked of [{ body: INITIALIZE }, { body: request(2, 'tools/list'), headers: session }, stream]) {
      const answer = await http.ask(asked);
      expect([answer.status, parsed(answer).error?.data['kind']]).toEqual([503, 'shutting_down']);
      expect([answer.headers['retry-after'], answer.headers['connection']]).toEqual(['1', 'close']);
    }
  });

  it('K-36 hears to the end what is answered and cancelled, and lets sessions go', async () => {
    await open();
    const session = await connect();
    world.get(Lifecycle).stop();
    world.get(HttpLane).close();
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
    const ping = { jsonrpc: '2.0', id: 2, method: 'ping' };
    expect((await http.ask({ body: cancelled, headers: session })).status).toBe(202);
    expect((await http.ask({ body: { jsonrpc: '2.0', id: 1, result: {} }, headers: session })).status).toBe(202);
    expect((await http.ask({ body: ping, headers: session })).status).toBe(200);
    expect((await http.ask({ method: 'DELETE', headers: session })).status).toBe(204);
  });

  it('S2-39 says to browsers what they may do with an answer, whatever the answer', async () => {
    await open();
    const headers = {
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    };
    for (const asked of [{ body: INITIALIZE }, { body: 'no JSON' }, { headers: { host: 'evil.com' }, body: '{}' }]) {
      const answer = await http.ask(asked);
      expect(answer.headers).toMatchObject(headers);
      expect(answer.headers).not.toHaveProperty('strict-transport-security');
    }
    await world.close();
    await open({ http: { hstsMaxAgeSec: 60 } });
    expect((await http.ask({ body: INITIALIZE })).headers['strict-transport-security']).toBe('max-age=60');
    await world.close();
    await open({ http: { securityHeaders: false } });
    expect((await http.ask({ body: INITIALIZE })).headers).not.toHaveProperty('x-frame-options');
  });

  it.each([
    ['127.0.0.1', 200],
    ['127.8.9.1', 200],
    ['::1', 200],
    ['::ffff:127.0.0.1', 200],
    ['0.0.0.0', 403],
    ['::', 403],
    ['192.168.1.5', 403],
  ])('K-4 without authentication it is served on %s with %d', async (address, status) => {
    await open();
    jest.spyOn(server, 'address').mockReturnValue({ address, family: 'IPv4', port: 1 });
    server.emit('listening');
    const answer = await http.ask({ body: INITIALIZE });
    expect(answer.status).toBe(status);
    if (status === 403) expect(parsed(answer).error?.data['kind']).toBe('shut');
  });

  it('K-4 is served anywhere where a setting says so, and on a socket of a file', async () => {
    await open({ server: { allowUnauthenticated: true } });
    const at = jest.spyOn(server, 'address').mockReturnValue({ address: '0.0.0.0', family: 'IPv4', port: 1 });
    server.emit('listening');
    expect((await http.ask({ body: INITIALIZE })).status).toBe(200);
    at.mockReturnValue('/run/gatehouse.sock');
    server.emit('listening');
    expect((await http.ask({ body: INITIALIZE })).status).toBe(200);
  });
});

describe('POST in 2025', () => {
  it('opens a session, whose id comes in a header', async () => {
    await open();
    const answer = await http.ask({ body: INITIALIZE });
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
    expect(answer.headers['mcp-session-id']).toMatch(/^[\x21-\x7e]+$/);
    expect(parsed(answer).result).toMatchObject({ protocolVersion: '2025-11-25' });
    expect(answer.headers['content-length']).toBe(String(Buffer.byteLength(answer.text)));
    const bad = await http.ask({ body: { ...INITIALIZE, params: {} } });
    expect([bad.status, bad.headers['mcp-session-id']]).toEqual([200, undefined]);
  });

  it('serves requests, notifications and answers of a session', async () => {
    await open();
    const headers = await connect();
    const answer = await http.ask({ headers, body: call('a', 'say', { arguments: { ä: '😀' } }) });
    expect(parsed(answer)).toMatchObject({ id: 'a', result: { content: [{ text: '{"ä":"😀"}' }] } });
    for (const body of [
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { jsonrpc: '2.0', id: 'x', result: {} },
    ]) {
      expect(await http.ask({ headers, body })).toMatchObject({ status: 202, text: '' });
    }
  });

  it('D-8 needs a session, and takes a good one only', async () => {
    await open();
    const missing = await http.ask({ body: call(5, 'say') });
    expect([missing.status, parsed(missing)]).toMatchObject([
      400,
      { id: 5, error: { data: { kind: 'session_required' } } },
    ]);
    for (const id of ['x', '', 'a'.repeat(2_000)]) {
      const unknown = await http.ask({ headers: { 'mcp-session-id': id }, body: call(5, 'say') });
      expect([unknown.status, parsed(unknown)]).toMatchObject([
        404,
        { id: 5, error: { data: { kind: 'session_not_found' } } },
      ]);
    }
    const twice = await http.ask({ headers: await connect(), body: INITIALIZE });
    expect([twice.status, parsed(twice)]).toMatchObject([
      400,
      { id: 0, error: { data: { kind: 'already_initialized' } } },
    ]);
  });

  it('refuses what is no message for that, session or not', async () => {
    await open();
    for (const headers of [{}, await connect(), { 'mcp-protocol-version': '1999-01-01' }]) {
      const answer = await http.ask({ headers, body: '{' });
      expect([answer.status, parsed(answer)]).toMatchObject([400, { id: null, error: { code: -32700 } }]);
    }
    const deep = await http.ask({ body: '[0]' });
    expect([deep.status, parsed(deep).error?.data['kind']]).toEqual([400, 'session_required']);
    const bytes = await http.ask({ body: Buffer.from([0x7b, 0xff, 0x7d]) });
    expect([bytes.status, parsed(bytes).error?.message]).toEqual([400, 'Parse error: the body is not UTF-8']);
    const empty = await http.ask({ body: '' });
    expect(empty.status).toBe(400);
  });

  it.each<[Record<string, string | undefined>, number, string]>([
    [{ 'content-type': undefined }, 415, 'unsupported_media_type'],
    [{ 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
    [{ 'content-type': 'application/jsonp' }, 415, 'unsupported_media_type'],
    [{ 'content-encoding': 'gzip' }, 415, 'unsupported_media_type'],
    [{ accept: 'application/json' }, 406, 'not_acceptable'],
    [{ accept: 'text/event-stream' }, 406, 'not_acceptable'],
    [{ accept: 'text/html' }, 406, 'not_acceptable'],
    [{ 'mcp-protocol-version': '1999-01-01' }, 400, 'unsupported_revision'],
    [{ 'mcp-protocol-version': '2026-07-28' }, 400, 'header_mismatch'],
    [{ host: 'evil.example' }, 403, 'forbidden_host'],
    [{ origin: 'https://evil.example' }, 403, 'forbidden_origin'],
  ])('6.4 refuses the headers %j with %d', async (headers, status, kind) => {
    await open();
    const answer = await http.ask({ headers, body: call(1, 'say') });
    expect([answer.status, parsed(answer).error?.data['kind']]).toEqual([status, kind]);
  });

  it.each<Record<string, string | undefined>>([
    { 'content-type': 'application/json; charset=utf-8' },
    { 'content-type': 'Application/JSON' },
    { 'content-encoding': 'identity' },
    { accept: undefined },
    { accept: '*/*' },
    { accept: 'application/*, text/*;q=0.5' },
    { 'mcp-protocol-version': '2024-11-05' },
    { host: '127.0.0.1:8080' },
    { origin: 'http://localhost' },
  ])('takes the headers %j', async (headers) => {
    await open();
    expect((await http.ask({ headers, body: INITIALIZE })).status).toBe(200);
  });

  it('413 refuses a body that is too large, told beforehand or not', async () => {
    await open({ limits: { maxBodyBytes: 1_024 } });
    const large = JSON.stringify({ ...INITIALIZE, more: 'x'.repeat(2_000) });
    for (const headers of [{}, { 'content-length': undefined, 'transfer-encoding': 'chunked' }]) {
      const answer = await http.ask({ headers, body: large });
      expect([answer.status, parsed(answer).error?.data['kind']]).toEqual([413, 'message_too_large']);
    }
    expect(world.security.names.filter((name) => name === 'message_too_large')).toHaveLength(2);
  });

  it('K-11 429 tells how long to wait', async () => {
    await open({ rate: { maxMessages: 1 } });
    const headers = await connect();
    await http.ask({ headers, body: call(1, 'say') });
    world.clock.advance(500);
    const answer = await http.ask({ headers, body: call(2, 'say') });
    expect([answer.status, answer.headers['retry-after'], parsed(answer).id]).toEqual([429, '60', 2]);
  });

  it('becomes a stream when something comes before the answer', async () => {
    await open();
    const headers = await connect();
    const answer = await http.ask({ headers, body: call(1, 'report', { _meta: { progressToken: 'p' } }) });
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' },
    });
    expect(events(answer.text)).toMatchObject([
      { method: 'notifications/progress', params: { progressToken: 'p', progress: 1 } },
      { id: 1, result: { content: [{ text: 'done' }] } },
    ]);
  });

  it('D-1 answers a batch of 2025-03-26 as one', async () => {
    await open();
    const headers = await connect('2025-03-26');
    const answer = await http.ask({ headers, body: [call(1, 'say'), call(2, 'say')] });
    expect((JSON.parse(answer.text) as Answer[]).map(({ id }) => id)).toEqual([1, 2]);
    expect(await http.ask({ headers, body: [{ jsonrpc: '2.0', method: 'x' }] })).toMatchObject({ status: 202 });
  });

  it('D-3 a client that leaves cancels nothing; nobody who comes back in time does', async () => {
    await open({ sessions: { resumeMs: 60_000 } });
    const headers = await connect();
    const coming = http.open({ headers, body: call(1, 'wait', { _meta: { progressToken: 1 } }) });
    await until(() => world.get(Tools).contexts.length === 1);
    const [context] = world.get(Tools).contexts;
    context?.progress(1);
    const answer = await coming;
    const exchanges = world.get(OpenExchanges);
    exchanges.sweep();
    answer.leave();
    await until(() => (exchanges.sweep(), true));
    await new Promise((resolve) => setImmediate(resolve));
    exchanges.sweep();
    world.clock.advance(59_999);
    exchanges.sweep();
    expect(context?.signal.aborted).toBe(false);
    world.clock.advance(1);
    exchanges.sweep();
    expect(context?.signal.aborted).toBe(true);
    await until(() => exchanges.runningCount === 0);
  });

  it('D-3 counts from the last time that the client left, however short it was back', async () => {
    await open({ sessions: { resumeMs: 60_000 } });
    const headers = await connect();
    const coming = http.open({ headers, body: call(1, 'wait', { _meta: { progressToken: 1 } }) });
    await until(() => world.get(Tools).contexts.length === 1);
    const [context] = world.get(Tools).contexts;
    context?.progress(1);
    const answer = await coming;
    await until(() => answer.text().includes('-1\n'));
    const [, lastEventId] = /id: (\S+-1)\n/.exec(answer.text()) ?? [];
    const exchanges = world.get(OpenExchanges);
    answer.leave();
    await new Promise((resolve) => setImmediate(resolve));
    exchanges.sweep();
    world.clock.advance(59_999);
    // Back and gone again between two sweeps.
    const back = await http.open({
      method: 'GET',
      headers: { ...headers, accept: 'text/event-stream', 'last-event-id': lastEventId },
    });
    back.leave();
    await new Promise((resolve) => setImmediate(resolve));
    exchanges.sweep();
    world.clock.advance(59_999);
    exchanges.sweep();
    expect(context?.signal.aborted).toBe(false);
    world.clock.advance(1);
    exchanges.sweep();
    expect(context?.signal.aborted).toBe(true);
    await until(() => exchanges.runningCount === 0);
  });

  it('shows proxies that a long call lives, every 15 s', async () => {
    await open();
    const headers = await connect();
    const coming = http.open({ headers, body: call(1, 'wait') });
    await until(() => world.get(Tools).ends.length === 1);
    const exchanges = world.get(OpenExchanges);
    exchanges.sweep();
    world.clock.advance(14_999);
    exchanges.sweep();
    world.clock.advance(15_000);
    exchanges.sweep();
    const answer = await coming;
    await until(() => answer.text().includes(': keep-alive\n\n'));
    world.get(Tools).ends[0]?.('done');
    await answer.ended;
    expect(events(answer.text())).toMatchObject([{ id: 1, result: {} }]);
  });

  it('says nothing to a client that left before its request was whole', async () => {
    await open();
    const { duplexPair } = await import('node:stream');
    const [client, side] = duplexPair();
    server.emit('connection', side);
    client.write(
      'POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: */*\r\nContent-Length: 100\r\n\r\n{',
    );
    await new Promise((resolve) => setImmediate(resolve));
    side.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    expect(world.get(OpenExchanges).runningCount).toBe(0);
  });
});

describe('POST in 2026-07-28', () => {
  const modern = (name: string, args: object = {}, headers: Record<string, string | undefined> = {}): Asked => ({
    headers: { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name, ...headers },
    body: request(1, 'tools/call', { name, arguments: args, _meta: envelope() }),
  });

  it('D-1 needs no session, and takes no notice of one', async () => {
    await open();
    for (const headers of [{}, { 'mcp-session-id': 'x' }, { 'last-event-id': 'x' }]) {
      const answer = await http.ask(modern('say', {}, headers));
      expect([answer.status, parsed(answer).result]).toMatchObject([200, { resultType: 'complete' }]);
      expect(answer.headers['mcp-session-id']).toBeUndefined();
    }
  });

  it.each<[Record<string, string | undefined>, string]>([
    [{ 'mcp-protocol-version': undefined }, 'mcp-protocol-version is missing'],
    [{ 'mcp-protocol-version': '2025-11-25' }, "mcp-protocol-version value '2025-11-25' does not match the body"],
    [{ 'mcp-method': undefined }, 'mcp-method is missing'],
    [{ 'mcp-method': 'tools/list' }, "mcp-method value 'tools/list' does not match the body"],
    [{ 'mcp-name': undefined }, 'mcp-name is missing'],
    [{ 'mcp-name': 'other' }, "mcp-name value 'other' does not match the body"],
    [{ 'mcp-name': '=?base64?c2F5?=x' }, "mcp-name value '=?base64?c2F5?=x' does not match the body"],
    [{ 'mcp-name': '=?base64?c2F?=' }, 'mcp-name is not Base64 of UTF-8'],
    [{ 'mcp-name': '=?base64?/w==?=' }, 'mcp-name is not Base64 of UTF-8'],
    [{ 'mcp-name': 's\u00e4y' }, 'mcp-name has characters that only Base64 can carry'],
  ])('D-1 holds the headers %j against the body', async (headers, why) => {
    await open();
    const answer = await http.ask(modern('say', {}, headers));
    expect([answer.status, parsed(answer)]).toMatchObject([
      400,
      { id: 1, error: { code: -32020, message: `Header mismatch: ${why}`, data: { kind: 'header_mismatch' } } },
    ]);
  });

  it('takes a name in Base64', async () => {
    await open();
    expect((await http.ask(modern('say', {}, { 'mcp-name': '=?base64?c2F5?=' }))).status).toBe(200);
  });

  it('holds the headers of arguments against them', async () => {
    await open();
    const ok = await http.ask(modern('deploy', { region: 'eu' }, { 'mcp-param-region': 'eu' }));
    expect(parsed(ok).result).toMatchObject({ content: [{ text: 'eu' }] });
    expect(parsed(await http.ask(modern('deploy', {}))).result).toMatchObject({ content: [{ text: 'nowhere' }] });
    for (const [args, header] of [
      [{ region: 'eu' }, 'us'],
      [{ region: 'eu' }, undefined],
      [{}, 'eu'],
    ] as const) {
      expect((await http.ask(modern('deploy', args, { 'mcp-param-region': header }))).status).toBe(400);
    }
  });

  it.each([
    ['no/such', 404, -32601],
    ['tools/list', 400, -32602],
  ])('answers %s without an envelope that is whole with its status', async (method, status, code) => {
    await open();
    const meta = { ...envelope(), ...(status === 400 && { 'io.modelcontextprotocol/clientCapabilities': 5 }) };
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': method };
    const answer = await http.ask({ headers, body: request('m', method, { _meta: meta }) });
    expect([answer.status, parsed(answer)]).toMatchObject([status, { id: 'm', error: { code } }]);
  });

  it('D-3 a client that leaves cancels its call', async () => {
    await open();
    const coming = http.open(modern('wait'));
    coming.catch(() => undefined);
    await until(() => world.get(Tools).contexts.length === 1);
    const [context] = world.get(Tools).contexts;
    context?.notify('notifications/mine');
    const answer = await coming;
    expect(answer.headers['content-type']).toBe('text/event-stream');
    answer.leave();
    await until(() => context?.signal.aborted === true);
    await until(() => world.get(OpenExchanges).runningCount === 0);
  });

  it('takes a notification, and lets it go', async () => {
    await open();
    const headers = { 'mcp-protocol-version': '2026-07-28' };
    expect(
      await http.ask({ headers, body: { jsonrpc: '2.0', method: 'notifications/cancelled', params: {} } }),
    ).toMatchObject({ status: 202 });
  });
});

describe('GET and DELETE', () => {
  async function stream(headers: Record<string, string>): Promise<Coming> {
    return http.open({ method: 'GET', headers: { accept: 'text/event-stream', ...headers } });
  }

  it.each(['PUT', 'PATCH', 'HEAD'])('405 knows no %s', async (method) => {
    await open();
    const answer = await http.ask({ method });
    expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, POST, DELETE, OPTIONS']);
  });

  it('tells what it knows', async () => {
    await open();
    expect(await http.ask({ method: 'OPTIONS' })).toMatchObject({
      status: 204,
      headers: { allow: 'GET, POST, DELETE, OPTIONS' },
    });
  });

  it('opens the stream of a session, for what the server has to say', async () => {
    await open();
    const headers = await connect();
    const coming = await stream(headers);
    expect([coming.status, coming.headers['content-type']]).toEqual([200, 'text/event-stream']);
    await until(() => coming.text().startsWith('id: '));
    const { Catalogue } = await import('../../dispatch/catalogue.js');
    world.get(Catalogue).disableTool('say');
    await until(() => events(coming.text()).length === 1);
    expect(events(coming.text())).toEqual([{ jsonrpc: '2.0', method: 'notifications/tools/list_changed' }]);
    world.clock.advance(20_000);
    world.get(OpenExchanges).sweep();
    await until(() => coming.text().includes(': keep-alive\n\n'));
    coming.leave();
  });

  it('D-6 goes on where a client left off, in its own session only', async () => {
    await open();
    const headers = await connect();
    const first = await stream(headers);
    const { Catalogue } = await import('../../dispatch/catalogue.js');
    const catalogue = world.get(Catalogue);
    catalogue.disableTool('say');
    await until(() => events(first.text()).length === 1);
    const [seen] = /id: \S+-1/.exec(first.text()) ?? [];
    first.leave();
    await new Promise((resolve) => setImmediate(resolve));
    catalogue.enableTool('say');
    await new Promise((resolve) => setImmediate(resolve));
    const lastEventId = seen?.slice('id: '.length) ?? '';
    const again = await stream({ ...headers, 'last-event-id': lastEventId });
    await until(() => events(again.text()).length === 1);
    expect(again.text()).toContain(`id: ${lastEventId.replace(/1$/, '2')}`);
    const stranger = await stream({ ...(await connect()), 'last-event-id': lastEventId });
    await until(() => stranger.text().startsWith('id: '));
    expect(events(stranger.text())).toEqual([]);
    again.leave();
    stranger.leave();
  });

  it('D-6 brings the answer of a call whose connection broke', async () => {
    await open();
    const headers = await connect();
    const coming = http.open({ headers, body: call(7, 'wait', { _meta: { progressToken: 1 } }) });
    await until(() => world.get(Tools).contexts.length === 1);
    world.get(Tools).contexts[0]?.progress(1);
    const first = await coming;
    await until(() => first.text().includes('notifications/progress'));
    const [seen] = /id: (\S+-1)/.exec(first.text())?.slice(1) ?? [];
    first.leave();
    await new Promise((resolve) => setImmediate(resolve));
    world.get(Tools).ends[0]?.('at last');
    await until(() => world.get(OpenExchanges).runningCount === 0);
    const again = await stream({ ...headers, 'last-event-id': seen ?? '' });
    await again.ended;
    expect(events(again.text())).toMatchObject([{ id: 7, result: { content: [{ text: 'at last' }] } }]);
  });

  it('SEP-1699 sends a client away that is to come back for the answer', async () => {
    await open();
    const headers = await connect();
    const coming = http.open({ headers, body: call(7, 'wait') });
    await until(() => world.get(Tools).contexts.length === 1);
    world.get(Tools).contexts[0]?.closeStream();
    const first = await coming;
    await first.ended;
    expect(first.text()).toContain('retry: 500\n\n');
    const [seen] = /id: (\S+-0)/.exec(first.text())?.slice(1) ?? [];
    const again = await stream({ ...headers, 'last-event-id': seen ?? '' });
    world.get(Tools).ends[0]?.('at last');
    await again.ended;
    expect(events(again.text())).toMatchObject([{ id: 7 }]);
  });

  it.each<[Record<string, string>, number, string]>([
    [{ accept: 'application/json' }, 406, 'not_acceptable'],
    [{ accept: 'text/event-stream' }, 400, 'session_required'],
    [{ accept: 'text/event-stream', 'mcp-session-id': 'x' }, 404, 'session_not_found'],
    [{ accept: 'text/event-stream', 'mcp-protocol-version': 'x' }, 400, 'unsupported_revision'],
  ])('refuses a GET with %j', async (headers, status, kind) => {
    await open();
    const answer = await http.ask({ method: 'GET', headers });
    expect([answer.status, parsed(answer).error?.data['kind']]).toEqual([status, kind]);
  });

  it('DELETE ends a session for good, with its streams', async () => {
    await open();
    const headers = await connect();
    const coming = await stream(headers);
    expect((await http.ask({ method: 'DELETE', headers })).status).toBe(204);
    await coming.ended;
    expect((await http.ask({ headers, body: call(1, 'say') })).status).toBe(404);
    expect((await http.ask({ method: 'DELETE', headers })).status).toBe(404);
    expect((await http.ask({ method: 'DELETE' })).status).toBe(400);
    expect(world.get(SessionService).count).toBe(0);
  });

  it('6.2 hides the words of what nobody foresaw', async () => {
    await open();
    const headers = await connect();
    jest.spyOn(world.get(SessionService), 'end').mockRejectedValue(new Error('no disk'));
    const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    const answer = await http.ask({ method: 'DELETE', headers });
    expect([answer.status, parsed(answer).error]).toMatchObject([500, { code: -32603, message: 'Internal error' }]);
    expect(error).toHaveBeenCalledWith('A request failed', expect.stringContaining('no disk'));
  });
});
