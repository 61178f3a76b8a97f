import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Server } from 'node:http';
import { Injectable, Logger } from '@nestjs/common';
import { eventually, FakeWire } from '../../../test/support/connection-world.js';
import { DispatchWorld, envelope } from '../../../test/support/dispatch-world.js';
import { MemoryHttp } from '../../../test/support/memory-http.js';
import { Authenticator } from '../../auth/index.js';
import { decode } from '../../protocol/index.js';
import { Tool, type ToolContext } from '../../tools/index.js';
import { ConnectionAdmission, type Place } from '../connections/connection-admission.js';
import { Connections } from '../connections/connections.js';
import { Conversations } from '../duplex/conversations.js';
import { attachGatehouse } from '../http/attach-gatehouse.js';
import { TransportModule } from '../transport.module.js';
import { SessionsSeen } from './sessions-seen.js';

@Injectable()
class Tools {
  readonly contexts: ToolContext[] = [];
  readonly ends: (() => void)[] = [];

  @Tool({ tags: ['slow', 'spec'] })
  wait(_args: unknown, context: ToolContext): Promise<string> {
    this.contexts.push(context);
    return new Promise((resolve) => this.ends.push(() => resolve('done')));
  }

  @Tool({ tags: ['spec'] })
  fail(): void {
    throw new Error('a defect');
  }
}

let world: DispatchWorld;
let http: MemoryHttp;
let seen: SessionsSeen;

beforeEach(() => {
  for (const level of ['log', 'debug', 'warn', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
});

afterEach(async () => {
  await world.close();
  jest.restoreAllMocks();
});

async function open(): Promise<void> {
  world = await DispatchWorld.open({
    settings: { server: { transports: ['http'], name: 'mine', shutdownGraceSec: 0 } },
    providers: [Tools],
    imports: [TransportModule],
    attach: (app) => {
      attachGatehouse(app);
      http = new MemoryHttp(app.getHttpServer() as Server);
    },
  });
  seen = world.get(SessionsSeen);
}

const message = (id: unknown, method: string, params: object = {}): object => ({ jsonrpc: '2.0', id, method, params });
async function connect(name = 'spec'): Promise<Record<string, string>> {
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name, version: '1.2' } };
  const headers = { 'user-agent': `${name}/1` };
  const answer = await http.ask({ body: message(0, 'initialize', params), headers });
  return { 'mcp-session-id': String(answer.headers['mcp-session-id']) };
}
const call = (session: Record<string, string>, id: number, name: string) =>
  http.ask({ body: message(id, 'tools/call', { name, arguments: {} }), headers: session });
const started = (count: number) => eventually(() => world.get(Tools).contexts.length === count, 'calls that run');

describe('SessionsSeen', () => {
  it('S3-2 knows of each session whose it is, where from, and since when', async () => {
    await open();
    await connect('one');
    world.clock.advance(1_000);
    await connect('two');
    const [one, two] = seen.contexts();
    expect(one).toEqual({
      sessionId: expect.stringMatching(/^[0-9a-f]{16}$/) as unknown,
      principal: 'gatehouse/anonymous',
      client: { name: 'one', version: '1.2' },
      userAgent: 'one/1',
      remoteAddress: undefined,
      door: 'http',
      revision: '2025-11-25',
      startedAt: '2026-01-01T00:00:00.000Z',
      lastSeenAt: '2026-01-01T00:00:00.000Z',
      runningRequests: 0,
    });
    expect(two?.startedAt).toBe('2026-01-01T00:00:01.000Z');
    expect(seen.context(two?.sessionId ?? '')).toEqual(two);
    expect(seen.context('none')).toBeUndefined();
  });

  it('S3-2 S3-12 knows of clients with a connection, when they were active, and what runs for them', async () => {
    await open();
    const wire = new FakeWire();
    const peer = { address: '10.0.0.9', port: 1, userAgent: 'socket/1' };
    const place = (await world.get(ConnectionAdmission).admit('websocket', peer.address)) as Place;
    const principal = await world.get(Authenticator).authenticate({});
    const connection = world.get(Conversations).open({ door: 'websocket', wire, peer, place }, principal);
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'ws', version: '1' } };
    const say = (text: object): void => connection.receive(decode(JSON.stringify(text)));
    say(message(0, 'initialize', params));
    await eventually(() => wire.sent.length === 1);
    for (let passed = 0; passed < 5; passed++) {
      world.clock.advance(1_000);
      if (passed < 2) say(message(passed, 'ping'));
      if (passed < 2) await eventually(() => wire.sent.length === 2 + passed);
      world.get(Connections).sweep();
    }
    const [context] = seen.contexts();
    expect(context).toMatchObject({ remoteAddress: '10.0.0.9', door: 'websocket', userAgent: 'socket/1' });
    expect(context?.lastSeenAt).toBe('2026-01-01T00:00:02.000Z');
    expect(seen.getMultiClientMetrics().sessions.lastActivity).toBe('2026-01-01T00:00:02.000Z');
    say(message(7, 'tools/call', { name: 'wait', arguments: {}, _meta: envelope() }));
    await started(1);
    expect(seen.requests()).toMatchObject([{ sessionId: undefined }]);
    connection.left();
    await eventually(() => seen.requests().length === 0 && seen.contexts().length === 0);
  });

  it('S3-5 S3-12 knows what runs: in one session, in all, and for whom no session is needed', async () => {
    await open();
    const [one, two] = [await connect('one'), await connect('two')];
    const running = [call(one, 1, 'wait'), call(one, 2, 'wait'), call(two, 1, 'wait')];
    const modern = { name: 'wait', arguments: {}, _meta: envelope() };
    const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'wait' };
    running.push(http.ask({ body: message(1, 'tools/call', modern), headers }));
    await started(4);
    const [first, second] = seen.contexts().map(({ sessionId }) => sessionId) as [string, string];
    const ids = seen.requests().map(({ requestId }) => requestId);
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^req-[0-9a-f-]{36}$/);
    expect([seen.requestsOf(first).length, seen.requestsOf(second).length, seen.requestsOf('none')]).toEqual([
      2,
      1,
      [],
    ]);
    expect(seen.requests().filter(({ sessionId }) => sessionId === undefined)).toHaveLength(1);
    expect(seen.getMultiClientMetrics().activeRequests).toEqual({ total: 4, bySession: { [first]: 2, [second]: 1 } });
    for (const end of world.get(Tools).ends) end();
    await Promise.all(running);
    expect([seen.requests(), seen.getMultiClientMetrics().activeRequests]).toEqual([[], { total: 0, bySession: {} }]);
  });

  it('S3-12 S3-7 cancels what runs in a session, and counts it; the session goes on', async () => {
    await open();
    const [one, two] = [await connect('one'), await connect('two')];
    void call(one, 1, 'wait');
    void call(one, 2, 'wait');
    void call(two, 1, 'wait');
    await started(3);
    const [first, second] = seen.contexts().map(({ sessionId }) => sessionId) as [string, string];
    const { contexts } = world.get(Tools);
    const signals = contexts.map(({ signal }) => signal);
    expect([seen.cancelBySession(first), seen.cancelBySession('none')]).toEqual([2, 0]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false]);
    await eventually(() => seen.requestsOf(first).length === 0);
    expect([seen.cancelBySession(first), seen.requestsOf(second).length]).toEqual([0, 1]);
    expect((await http.ask({ body: message(3, 'ping'), headers: one })).status).toBe(200);
  });

  it('S3-8 forgets a request whose tool failed', async () => {
    await open();
    const session = await connect();
    expect((await call(session, 1, 'fail')).text).toContain('"isError":true');
    expect(seen.requests()).toEqual([]);
  });

  it('S3-10 has the metrics of many clients, also of none', async () => {
    await open();
    const none = { totalSessions: 0, activeSessions: 0, connectionTime: null, lastActivity: null };
    const time = '2026-01-01T00:00:00.000Z';
    const requests = { total: 0, bySession: {} };
    expect(seen.getMultiClientMetrics()).toEqual({
      sessions: none,
      activeServers: 0,
      activeRequests: requests,
      timestamp: time,
    });
    const session = await connect();
    world.clock.advance(60_000);
    await http.ask({ method: 'DELETE', headers: session });
    await connect();
    world.clock.advance(1_000);
    expect(seen.getMultiClientMetrics()).toEqual({
      sessions: {
        totalSessions: 2,
        activeSessions: 1,
        connectionTime: '2026-01-01T00:01:00.000Z',
        lastActivity: '2026-01-01T00:01:00.000Z',
      },
      activeServers: 1,
      activeRequests: requests,
      timestamp: '2026-01-01T00:01:01.000Z',
    });
  });
});
