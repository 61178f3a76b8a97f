import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { NestFactory } from '@nestjs/core';
import type { INestApplication } from '@nestjs/common';
import { Doors } from '../support/live-doors.js';
import { initializeParams, type Json, type Message, request } from '../support/messages.js';
import { fixture, ROOT } from '../support/places.js';
import { RawHttp } from '../support/raw-http.js';
import { RawLines } from '../support/raw-lines.js';
import { RawSse } from '../support/raw-sse.js';
import { RawWebSocket } from '../support/raw-websocket.js';
import { StdioServer } from '../support/stdio-server.js';
import { PATIENCE_MS, until } from '../support/waiting.js';
import { openDescriptors } from './http-wire.js';

const LONG_MS = 8 * PATIENCE_MS;
jest.setTimeout(process.env['ISOLATION_CALLS'] === undefined ? LONG_MS : 10 * LONG_MS);

/** A session over any door: what the tests of all doors need of it. */
interface AnyClient {
  call(id: number, name: string, args: Json): Promise<Message>;
  /** Everything that came to it, as text. */
  heard(): string;
  leave(): Promise<unknown>;
}

async function overHttp(doors: Doors): Promise<AnyClient> {
  const http = new RawHttp(doors.server.url);
  const { session } = await http.initialize();
  let heard = '';
  return {
    call: async (id, name, args) => {
      const answer = await http.post(
        request(id, 'tools/call', { name, arguments: args, _meta: { progressToken: id } }),
        session,
      );
      heard += answer.text;
      return answer.frames.flat().find((message) => message.id === id) as Message;
    },
    heard: () => heard,
    leave: () => http.delete(session),
  };
}

async function overDuplex(client: RawWebSocket | RawLines | RawSse): Promise<AnyClient> {
  await client.initialize();
  return {
    call: (id, name, args) => client.request(id, 'tools/call', { name, arguments: args, _meta: { progressToken: id } }),
    heard: () => JSON.stringify(client.messages),
    leave: async () => (client instanceof RawWebSocket ? client.close() : client.leave()),
  };
}

/** One client, which started its server: a process of its own, with nothing in common but this machine. */
async function overStdio(): Promise<AnyClient> {
  const server = await StdioServer.start({
    plugins: [fixture('contract/index')],
    env: { MCP_RATE_LIMIT_MAX: '100000', MCP_STDIO_ROLE: 'admin' },
  });
  await server.initialize();
  return {
    call: (id, name, args) => {
      server.send(request(id, 'tools/call', { name, arguments: args, _meta: { progressToken: id } }));
      return server.answer(id);
    },
    heard: () => `${server.program.stdout}${server.program.stderr}`,
    leave: () => server.dispose(),
  };
}

const OPENERS: readonly ((doors: Doors) => Promise<AnyClient>)[] = [
  overHttp,
  async (doors) => overDuplex(await doors.webSocket()),
  async (doors) => overDuplex(await doors.lines()),
  async (doors) => overDuplex(await RawSse.open(doors.sseUrl)),
];

/** Clients of each door, and calls of each client: few, but in the long proof. */
const CLIENTS_PER_DOOR = Number(process.env['ISOLATION_CLIENTS'] ?? 12);
/** Servers on stdio beside them, each a process: none of them has another client that could hear anything. */
const STDIO_CLIENTS = 3;
const CALLS = Number(process.env['ISOLATION_CALLS'] ?? 8);

let ids = 0;

/** Calls until there is room: a tool runs for so many at once, and says so to the others. */
async function served(client: AnyClient, name: string, args: Json): Promise<Json | undefined> {
  for (;;) {
    const { result } = await client.call(++ids, name, args);
    const fault = (result?.['_meta'] as Record<string, Json> | undefined)?.['mcp-gatehouse/error'];
    if (fault?.['kind'] !== 'server_busy') return result;
    await pause(Math.random() * 100);
  }
}

describe('clients of every door at once', () => {
  let doors: Doors;

  beforeAll(async () => {
    const env = {
      MCP_RATE_LIMIT_MAX: '100000',
      MCP_SERVER_MAX_CONNECTIONS: '1000',
      MCP_TCP_MAX_CONNECTIONS: '1000',
    };
    doors = await Doors.open({ plugins: [fixture('contract/index')], env });
  }, LONG_MS);
  afterAll(() => doors.dispose());

  it('S3-1 S3-4 S3-26 hear nothing of each other: results, progress, logs and errors', async () => {
    const openers = [
      ...Array.from({ length: CLIENTS_PER_DOOR * OPENERS.length }, (_, at) => OPENERS[at % OPENERS.length]),
      ...Array.from({ length: STDIO_CLIENTS }, () => overStdio),
    ] as typeof OPENERS;
    const clients = await Promise.all(
      openers.map(async (open) => ({ secret: `secret-${randomUUID()}`, client: await open(doors) })),
    );
    await Promise.all(
      clients.map(async ({ secret, client }) => {
        for (let round = 0; round < CALLS / 2; round++) {
          const [kept, lost] = await Promise.all([
            served(client, 'keep_secret', { secret, steps: 3 }),
            served(client, 'lose_secret', { secret, steps: 3 }),
          ]);
          expect(JSON.stringify(kept)).toContain(`kept ${secret}`);
          expect(JSON.stringify(lost)).toContain(`lost ${secret}`);
        }
      }),
    );
    for (const { secret, client } of clients) {
      const heard = new Set(client.heard().match(/secret-[0-9a-f-]{36}/g));
      expect([...heard]).toEqual([secret]);
    }
    await Promise.all(clients.map(({ client }) => client.leave()));
  });

  it('S3-16 S3-2 S3-10 are counted, named and forgotten', async () => {
    const clients = await Promise.all([overDuplex(await doors.webSocket()), overDuplex(await doors.lines())]);
    const status = async (path: string): Promise<Json> => (await (await fetch(`${doors.base}${path}`)).json()) as Json;
    expect(await status('/status')).toMatchObject({
      status: 'running',
      transport: { type: 'http,tcp', endpoint: '/mcp', port: Number(new URL(doors.base).port) },
      server: 'gatehouse',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      sessions: {
        total: expect.any(Number),
        active: expect.any(Number),
        firstConnection: expect.stringMatching(/^2.*Z$/),
        lastActivity: expect.stringMatching(/^2.*Z$/),
      },
      tools: { total: expect.any(Number), categories: expect.any(Object) },
      process: {
        pid: doors.server.pid,
        uptime: expect.any(Number),
        memory: expect.objectContaining({ rss: expect.any(Number) }),
      },
    });
    const metrics = await status('/sessions/metrics');
    expect(metrics).toMatchObject({
      sessions: { connectionTime: expect.stringMatching(/^2.*Z$/), lastActivity: expect.stringMatching(/^2.*Z$/) },
      activeRequests: { total: 0, bySession: {} },
      timestamp: expect.stringMatching(/^2.*Z$/),
    });
    const active = (metrics['sessions'] as { activeSessions: number }).activeSessions;
    expect(metrics['activeServers']).toBe(active);
    await Promise.all(clients.map((client) => client.leave()));
    await until(async () => {
      const { sessions } = (await status('/sessions/metrics')) as { sessions: { activeSessions: number } };
      return sessions.activeSessions === active - 2;
    }, 'two sessions fewer');
  });
});

describe('a client that leaves', () => {
  let doors: Doors;

  beforeAll(async () => {
    const env = { MCP_RUN_COMMAND_ENABLED: 'true', MCP_RUN_COMMAND_ALLOW: 'sleep', MCP_ANONYMOUS_ROLE: 'admin' };
    doors = await Doors.open({ env });
  }, LONG_MS);
  afterAll(() => doors.dispose());

  /** Processes that the server has started and that run. */
  const children = (): string =>
    readFileSync(`/proc/${doors.server.pid}/task/${doors.server.pid}/children`, 'utf8').trim();
  const SLEEP = { name: 'run_command', arguments: { command: 'sleep 60' } };

  it.each(['websocket', 'tcp', 'sse'] as const)(
    'D-3 S3-7 S2-22 takes its child processes with it, over %s',
    async (door) => {
      expect(children()).toBe('');
      let leave: () => unknown;
      if (door === 'sse') {
        const stream = await new RawHttp(doors.sseUrl).stream({});
        const [, endpoint = ''] = await stream.said(/^event: endpoint\ndata: (\S+)\n\n/);
        const post = (body: unknown) =>
          fetch(`${doors.base}${endpoint}`, {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify(body),
          });
        await post(request(0, 'initialize', initializeParams('2024-11-05')));
        await post(request(1, 'tools/call', SLEEP));
        leave = () => stream.leave();
      } else {
        const client = door === 'tcp' ? await doors.lines() : await doors.webSocket();
        await client.initialize();
        client.send(request(1, 'tools/call', SLEEP));
        leave = () => client.vanish();
      }
      await until(children, 'a child process');
      await leave();
      await until(() => children() === '', 'its end');
    },
  );
});

describe('a crowd', () => {
  let doors: Doors;
  afterEach(() => doors.dispose());

  it('K-12 shares the places of all, whatever the door', async () => {
    doors = await Doors.open({ flags: ['--max-connections', '3'], env: { MCP_LOG_LEVEL: 'debug' } });
    const stream = await new RawHttp(doors.sseUrl).stream({});
    await stream.said(/endpoint/);
    const [socket, lines] = [await doors.webSocket(), await doors.lines()];
    await lines.request(1, 'ping');
    expect((await RawWebSocket.refusal(doors.wsUrl)).status).toBe(503);
    expect(await (await doors.lines()).end()).toBe('{"error":"Service unavailable - connection limit reached"}\n');
    const refused = await fetch(doors.sseUrl, { headers: { Accept: 'text/event-stream' } });
    expect([refused.status, await refused.json()]).toMatchObject([
      503,
      { error: { data: { kind: 'connection_limit' } } },
    ]);
    // Requests of Streamable HTTP hold no connection.
    expect((await new RawHttp(doors.server.url).initialize()).status).toBe(200);
    await socket.close();
    await stream.leave();
    lines.leave();
    await until(() => doors.server.stderr.match(/Connection closed/g)?.length === 3, 'three free places');
    for (let i = 0; i < 3; i++) expect((await (await doors.lines()).request(1, 'ping')).result).toEqual({});
  });

  it('S2-15 W-13 counts clients behind a trusted proxy apart, and believes nobody else', async () => {
    const env = { MCP_RATE_LIMIT_CONNECTIONS: '1', MCP_LOG_LEVEL: 'debug' };
    doors = await Doors.open({ flags: ['--trusted-proxy', '127.0.0.1,10.0.0.0/8'], env });
    const from = (forwarded: string) => ({ headers: { 'X-Forwarded-For': forwarded } });
    const first = await doors.webSocket(from('6.6.6.6, 1.2.3.4, 10.0.0.9'));
    expect((await RawWebSocket.refusal(doors.wsUrl, from('7.7.7.7, 1.2.3.4'))).status).toBe(429);
    const second = await doors.webSocket(from('1.2.3.5'));
    expect(await doors.events('connection_established', 2)).toMatchObject([{ ip: '1.2.3.4' }, { ip: '1.2.3.5' }]);
    await Promise.all([first.close(), second.close()]);
  });

  it('of thousands at once is sent away, in order, and the server goes on as before', async () => {
    doors = await Doors.open({ flags: ['--tcp-max-connections', '20'] });
    const steady = await doors.lines();
    await steady.initialize();
    const before = openDescriptors(doors.server.pid);
    const outcomes = { in: 0, out: 0, broken: 0 };
    for (let wave = 0; wave < 10; wave++) {
      const burst = await Promise.all(
        Array.from({ length: 200 }, () => RawLines.open(doors.tcpPort).catch(() => undefined)),
      );
      await Promise.all(
        burst.map(async (client) => {
          if (!client) return void outcomes.broken++;
          client.send(request(1, 'ping'));
          const first = await Promise.race([
            client.answer(1).then(
              () => 'in',
              () => 'out',
            ),
            client.ended.then(() => 'out'),
          ]);
          if (first === 'in') outcomes.in++;
          else outcomes.out++;
          client.leave();
        }),
      );
      expect((await steady.request(`wave ${wave}`, 'ping')).result).toEqual({});
    }
    expect(outcomes.in).toBeGreaterThan(0);
    expect(outcomes.out).toBeGreaterThan(outcomes.in);
    await until(() => openDescriptors(doors.server.pid) <= before + 2, 'the descriptors of before');
    steady.leave();
  });

  it('S3-30 S0-1 is served over every transport by one process', async () => {
    doors = await Doors.open({ flags: ['--transport', 'stdio'] });
    const answers = await Promise.all([
      (await doors.webSocket()).initialize(),
      (await doors.lines()).initialize(),
      new RawHttp(doors.server.url).initialize().then(({ frames }) => frames.flat()[0] as Message),
    ]);
    const names = answers.map(({ result }) => (result?.['serverInfo'] as { name: string }).name);
    expect(new Set(names)).toEqual(new Set(['gatehouse']));
    const { status } = await fetch(`${doors.base}/message`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(request(1, 'initialize', initializeParams('2024-11-05'))),
    });
    expect(status).toBe(200);
    expect(doors.server.stdout).toBe('');
  });
});

describe('a host application', () => {
  it('D-16 has every door of HTTP once it is attached', async () => {
    const built = `${ROOT}/dist/index.js`;
    const { attachGatehouse, GatehouseModule } = (await import(built)) as {
      attachGatehouse: <App extends INestApplication>(app: App) => App;
      GatehouseModule: { forRoot: () => never };
    };
    const app = attachGatehouse(await NestFactory.create(GatehouseModule.forRoot(), { logger: false }));
    await app.listen(0, '127.0.0.1');
    try {
      const base = await app.getUrl();
      const socket = await RawWebSocket.open(`${base.replace('http', 'ws')}/ws`);
      expect((await socket.initialize()).result).toBeDefined();
      const stream = await new RawHttp(`${base}/sse`).stream({});
      await stream.said(/event: endpoint/);
      // What is about the server of the command line is none of its business.
      expect((await fetch(`${base}/status`)).status).toBe(404);
      const closed = socket.closed;
      await app.close();
      expect(await closed).toEqual({ code: 1001, reason: 'Server shutting down' });
      await stream.closed;
    } finally {
      await app.close();
    }
  });
});
