import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Json, type Message, notification, request } from '../support/messages.js';
import { fixture, type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { RawHttp, type RawStream } from '../support/raw-http.js';
import { RawWebSocket } from '../support/raw-websocket.js';
import { ReplicaSet } from '../support/replica-set.js';
import { RestClient } from '../support/rest-client.js';
import { PATIENCE_MS, until } from '../support/waiting.js';

const LONG_MS = 4 * PATIENCE_MS;
/** How late a replica may learn of what another one was told (D-10), and some time to learn it in. */
const BOUND_MS = 8_000;
const ROOT = { Authorization: 'Bearer root-token-of-the-replicas-000000000001' };
const ADA = { Authorization: 'Bearer ada-token-of-the-replicas-0000000000002' };
const TOKENS = `root:admin:${ROOT.Authorization.slice(7)},ada:operator:${ADA.Authorization.slice(7)}`;
const ENV = {
  MCP_AUTH_TOKENS: TOKENS,
  MCP_RATE_LIMIT_MAX: '100000',
  MCP_RATE_LIMIT_REST: '100000',
  MCP_HEALTH_CPU_THRESHOLD: '100',
  MCP_HEALTH_MEMORY_THRESHOLD: '100',
};
const AT = [0, 1, 2] as const;

let set: ReplicaSet;
let folder: TemporaryFolder;
/** By way of nginx, which sends each request to the next replica. */
let any: RawHttp;
let ids = 0;

beforeAll(async () => {
  folder = await temporaryFolder();
  set = await ReplicaSet.start({ env: ENV, plugins: [fixture('replicas/index')] });
  any = new RawHttp(set.url);
}, LONG_MS);

afterAll(async () => {
  await set?.dispose();
  await folder.remove();
}, LONG_MS);

/** A replica by itself. */
const at = (replica: number): RawHttp => new RawHttp(set.urlOf(replica));
const restAt = (replica: number): RestClient => new RestClient(set.urlOf(replica));
const call = (name: string, args: Json = {}, meta?: Json): Json =>
  request(`r${++ids}`, 'tools/call', { name, arguments: args, ...(meta && { _meta: meta }) });
const textOf = ({ result }: Message): string => (result?.['content'] as { text: string }[])[0]?.text ?? '';
const pidOf = (replica: number): string => String(set.servers[replica]?.pid);

/** Calls a tool at each replica once. */
async function eachAnswers(frame: () => Json, headers: Record<string, string>): Promise<(Message | undefined)[]> {
  return Promise.all(AT.map(async (replica) => (await at(replica).post(frame(), headers)).frames.at(-1) as Message));
}

describe('a session', () => {
  it('W-36 that one replica opened works at every other, and by round robin', async () => {
    const { session } = await at(0).initialize('2025-11-25', ADA);
    const answers = await eachAnswers(() => call('where'), session);
    expect(answers.map((answer) => textOf(answer as Message))).toEqual(AT.map(pidOf));
    const seen = new Set<string>();
    for (let i = 0; i < 6; i++) seen.add(textOf((await any.post(call('where'), session)).frames[0] as Message));
    expect([...seen].sort()).toEqual(AT.map(pidOf).sort());
  });

  it('ends everywhere by a DELETE anywhere', async () => {
    const { session } = await any.initialize('2025-11-25', ADA);
    const streams = await Promise.all(AT.map((replica) => at(replica).stream(session)));
    expect((await any.delete(session)).status).toBe(204);
    await Promise.all(streams.map(({ closed }) => closed));
    for (const replica of AT) expect((await at(replica).post(call('where'), session)).status).toBe(404);
  });
});

describe('through nginx', () => {
  const origin = (): string => new URL(set.url).origin;

  it('a WebSocket is upgraded, and carries calls both ways', async () => {
    const socket = await RawWebSocket.open(`${origin().replace('http', 'ws')}/ws`, { headers: ADA });
    await socket.initialize();
    expect(AT.map(pidOf)).toContain(textOf(await socket.callTool('w', 'where')));
    socket.ws.close();
    await socket.closed;
  });

  it('events come as they are sent, not when the answer is whole', async () => {
    const { session } = await any.initialize('2025-11-25', ADA);
    const stream = await any.postOpen(call('walk', { steps: 10 }, { progressToken: 'p' }), session);
    await stream.said(/"progress":1,/);
    expect(stream.text).not.toContain('"progress":10');
    await stream.leave();
  });

  it('W-12 the address that counts is that of the client, whatever it claims', async () => {
    const { session } = await any.initialize('2025-11-25', { ...ADA, 'X-Forwarded-For': '203.0.113.9' });
    expect((await any.post(call('where'), session)).status).toBe(200);
    const views = await Promise.all(AT.map((replica) => restAt(replica).get('/admin/sessions?limit=1000', ROOT)));
    const text = views.map((view) => view.text).join('');
    expect(text).toContain('127.0.0.1');
    expect(text).not.toContain('203.0.113.9');
  });
});

describe('a stream', () => {
  it('goes on at any replica from the last event that its client saw, to the answer', async () => {
    const { session } = await at(0).initialize('2025-11-25', ADA);
    const frame = call('walk', { steps: 15 }, { progressToken: 'p' });
    let stream: RawStream = await at(0).postOpen(frame, session);
    const progress: unknown[] = [];
    for (const replica of [1, 2, 0, 2]) {
      await until(() => stream.messages.length >= 2, 'progress');
      await stream.leave();
      progress.push(...stream.messages.flatMap(({ params }) => params?.['progress'] ?? []));
      stream = await at(replica).stream({ ...session, 'Last-Event-ID': stream.eventIds.at(-1) ?? '' });
    }
    const answer = await stream.message(({ id }) => id === frame['id'], 'the answer');
    progress.push(...stream.messages.flatMap(({ params }) => params?.['progress'] ?? []));
    expect(textOf(answer)).toBe(`walked at ${pidOf(0)}`);
    // Nothing is missing, and nothing came twice.
    expect(progress).toEqual(Array.from({ length: 15 }, (_, step) => step + 1));
    await stream.closed;
  });

  it('of legacy SSE takes messages that are posted to any replica', async () => {
    const stream = await new RawHttp(`${new URL(set.urlOf(1)).origin}/sse`).stream(ADA);
    const [, path = ''] = await stream.said(/^data: (\S+)$/m);
    const post = async (replica: number, frame: Json): Promise<number> =>
      (await new RawHttp(new URL(path, set.urlOf(replica)).href).post(frame, ADA)).status;
    const initialize = request('i', 'initialize', {
      protocolVersion: '2024-11-05',
      capabilities: {},
      clientInfo: { name: 'raw', version: '1' },
    });
    expect(await post(2, initialize)).toBe(202);
    await stream.said(/"protocolVersion":"2024-11-05"/);
    expect(await post(0, notification('notifications/initialized'))).toBe(202);
    const frame = call('where');
    expect(await post(0, frame)).toBe(202);
    await stream.said(new RegExp(`"text":"${pidOf(1)}"`));
    await stream.leave();
    await until(async () => (await post(2, call('where'))) === 404, 'the stream to be gone');
  });
});

it('a question is answered through another replica than the one that asks', async () => {
  const opening = request(0, 'initialize', {
    protocolVersion: '2025-11-25',
    capabilities: { elicitation: {} },
    clientInfo: { name: 'raw', version: '1' },
  });
  const { headers } = await at(0).post(opening, ADA);
  const session = {
    ...ADA,
    'Mcp-Session-Id': headers.get('mcp-session-id') ?? '',
    'MCP-Protocol-Version': '2025-11-25',
  };
  const frame = call('confirm');
  const stream = await at(1).postOpen(frame, session);
  const question = await stream.message(({ method }) => method === 'elicitation/create', 'the question');
  const answer = { jsonrpc: '2.0', id: question.id, result: { action: 'accept', content: { yes: true } } };
  expect((await at(2).post(answer, session)).status).toBe(202);
  const { result } = await stream.message(({ id }) => id === frame['id'], 'the answer');
  expect(textOf({ result: result as Json })).toBe(`accept at ${pidOf(1)}`);
});

it('K-10 W-36 a limit counts once, whichever replicas a caller comes to', async () => {
  const { session } = await any.initialize('2025-11-25', ADA);
  const answers: Message[] = [];
  for (let i = 0; i < 9; i++) answers.push((await at(i % 3).post(call('few'), session)).frames[0] as Message);
  expect(answers.filter(({ error, result }) => !error && result?.['isError'] !== true)).toHaveLength(4);
});

it('D-15 a call with a key runs once, whichever replicas it is sent to', async () => {
  const { session } = await any.initialize('2025-11-25', ADA);
  const path = join(folder.path, 'noted');
  const keyed = (): Json => call('note', { path }, { 'mcp-gatehouse/idempotencyKey': 'once' });
  const together = await eachAnswers(keyed, session);
  const later = await eachAnswers(keyed, session);
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  expect(lines).toHaveLength(1);
  expect([...together, ...later].map((answer) => textOf(answer as Message))).toEqual(Array(6).fill(lines[0]));
});

describe('D-10 what is decided at one replica holds at all, within 5 s at most', () => {
  it('a key that is made opens, and one that is revoked ends what it opened, everywhere', async () => {
    const made = await restAt(0).post('/admin/keys', { name: 'k', roles: ['operator'] }, ROOT);
    expect(made.status).toBe(201);
    const key = { Authorization: `Bearer ${String(made.json['token'])}` };
    await until(async () => (await at(2).initialize('2025-11-25', key)).status === 200, 'the key at another replica');
    const { session } = await at(1).initialize('2025-11-25', key);
    const streams = await Promise.all(AT.map((replica) => at(replica).stream(session)));
    const sockets = await Promise.all(
      AT.map((replica) =>
        RawWebSocket.open(`${new URL(set.urlOf(replica)).origin.replace('http', 'ws')}/ws`, { headers: key }),
      ),
    );
    const id = (made.json['key'] as { id: string }).id;
    const since = Date.now();
    expect((await restAt(2).send('DELETE', `/admin/keys/${id}`, { headers: ROOT })).status).toBe(200);
    await Promise.all([...streams, ...sockets].map(({ closed }) => closed));
    expect(Date.now() - since).toBeLessThan(BOUND_MS);
    for (const replica of AT) expect((await at(replica).post(call('where'), session)).status).toBe(401);
  });

  it('W-36 a tool that is switched off, of which clients hear wherever they are', async () => {
    const sessions = await Promise.all(AT.map((replica) => at(replica).initialize('2025-11-25', ADA)));
    const streams = await Promise.all(AT.map((replica) => at(replica).stream(sessions[replica]?.session ?? {})));
    await pause(100);
    expect((await restAt(1).post('/tools/where/disable', {}, ROOT)).status).toBe(200);
    for (const stream of streams)
      await stream.message(({ method }) => method === 'notifications/tools/list_changed', 'news of the list');
    for (const answer of await eachAnswers(() => call('where'), sessions[0]?.session ?? {}))
      expect(JSON.stringify(answer)).toContain('disabled');
    expect((await restAt(2).post('/tools/where/enable', {}, ROOT)).status).toBe(200);
    await until(async () => {
      const answers = await eachAnswers(() => call('where'), sessions[1]?.session ?? {});
      return answers.every((answer) => answer?.result?.['isError'] !== true && !answer?.error);
    }, 'the tool to be on everywhere');
    await Promise.all(streams.map((stream) => stream.leave()));
  });

  it(
    'the incident switch, also at a replica that starts later',
    async () => {
      const listed = async (replica: number, path: string): Promise<unknown> =>
        (await restAt(replica).get(path, ROOT)).json['total'];
      const body = { kind: 'tool', tool: 'few', reason: 'looked into' };
      expect((await restAt(0).post('/admin/incidents', body, ROOT)).status).toBe(201);
      const block = { address: '192.0.2.7', durationSec: 600, reason: 'scans' };
      expect((await restAt(1).post('/admin/blocks', block, ROOT)).status).toBe(201);
      await set.servers[2]?.restart();
      for (const path of ['/admin/incidents', '/admin/blocks'])
        for (const replica of AT) await until(async () => (await listed(replica, path)) === 1, `${path} at ${replica}`);
    },
    LONG_MS,
  );
});
