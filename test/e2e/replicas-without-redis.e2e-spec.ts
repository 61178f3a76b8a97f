import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Json, type Message, modernHeaders, modernParams, request } from '../support/messages.js';
import { fixture, type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { type HttpAnswer, RawHttp } from '../support/raw-http.js';
import { ReplicaSet } from '../support/replica-set.js';
import { type RestAnswer, RestClient } from '../support/rest-client.js';
import { PATIENCE_MS, until } from '../support/waiting.js';

const LONG_MS = 4 * PATIENCE_MS;
const ROOT = { Authorization: 'Bearer root-token-without-redis-0000000000000001' };
const ADA = { Authorization: 'Bearer ada-token-without-redis-00000000000000002' };
const ENV = {
  MCP_AUTH_TOKENS: `root:admin:${ROOT.Authorization.slice(7)},ada:operator:${ADA.Authorization.slice(7)}`,
  MCP_REDIS_TIMEOUT_MS: '300',
  MCP_RATE_LIMIT_MAX: '100000',
  MCP_HEALTH_CPU_THRESHOLD: '100',
  MCP_HEALTH_MEMORY_THRESHOLD: '100',
};
const AT = [0, 1, 2] as const;

let set: ReplicaSet;
let folder: TemporaryFolder;
let ids = 0;

beforeAll(async () => {
  folder = await temporaryFolder();
  set = await ReplicaSet.start({ env: ENV, plugins: [fixture('replicas/index')] });
}, LONG_MS);

afterAll(async () => {
  await set?.dispose();
  await folder.remove();
}, LONG_MS);

const at = (replica: number): RawHttp => new RawHttp(set.urlOf(replica));
const rest = (replica: number, path: string, body: Json = {}): Promise<RestAnswer> =>
  new RestClient(set.urlOf(replica)).post(path, body, ROOT);
const call = (name: string, args: Json = {}, meta?: Json): Json =>
  request(`r${++ids}`, 'tools/call', { name, arguments: args, ...(meta && { _meta: meta }) });
const kindOf = (answer: HttpAnswer): unknown => (answer.frames[0] as Message).error?.data?.['kind'];
const succeeded = ({ frames }: HttpAnswer): boolean => {
  const { error, result } = frames.at(-1) as Message;
  return error === undefined && result?.['isError'] !== true;
};
const readiness = (): Promise<unknown[]> =>
  Promise.all(
    AT.map(async (replica) => {
      const { status, json } = await new RestClient(set.urlOf(replica)).get('/health/ready');
      return [status, json['status']];
    }),
  );
const keyed = (): Json => call('note', { path: join(folder.path, 'noted') }, { 'mcp-gatehouse/idempotencyKey': 'k' });

/** D-23, in the order in which an outage goes by. */
describe('Redis that is lost', () => {
  let session: Record<string, string>;
  let doomed: Record<string, string>;

  beforeAll(async () => {
    session = (await at(0).initialize('2025-11-25', ADA)).session;
    doomed = (await at(1).initialize('2025-11-25', ADA)).session;
    for (const replica of AT) expect((await at(replica).post(call('where'), doomed)).status).toBe(200);
    // Each knows how many there are.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await set.redis.down();
    await until(
      async () => JSON.stringify(await readiness()) === JSON.stringify(Array(3).fill([200, 'degraded'])),
      'it',
    );
  }, LONG_MS);

  it('is told by readiness, which goes on to take work', async () => {
    expect(await readiness()).toEqual(Array(3).fill([200, 'degraded']));
  });

  it('takes no session: those that are open go on at any replica, and new ones open', async () => {
    for (const replica of AT) expect(succeeded(await at(replica).post(call('where'), session))).toBe(true);
    const opened = await at(2).initialize('2025-11-25', ADA);
    expect(opened.status).toBe(200);
    for (const replica of AT) expect(succeeded(await at(replica).post(call('where'), opened.session))).toBe(true);
  });

  it('takes nothing from 2026-07-28, which needs no session', async () => {
    const frame = request('m', 'tools/call', modernParams({ name: 'where', arguments: {} }));
    const headers = { ...ADA, ...modernHeaders(frame) };
    for (const replica of AT) expect(succeeded(await at(replica).post(frame, headers))).toBe(true);
  });

  it('leaves streams to the replica that they are at', async () => {
    const frame = call('walk', { steps: 5 }, { progressToken: 'p' });
    const stream = await at(1).postOpen(frame, session);
    await stream.said(/"progress":1,/);
    await stream.leave();
    const again = await at(1).stream({ ...session, 'Last-Event-ID': stream.eventIds.at(-1) ?? '' });
    await again.message(({ id }) => id === frame['id'], 'the answer');
    await again.closed;
  });

  it('refuses calls with a key, which could run twice', async () => {
    expect(kindOf(await at(0).post(keyed(), session))).toBe('store_unavailable');
  });

  it('lets each replica count its portion of a limit', async () => {
    const runs = await Promise.all(
      AT.flatMap((replica) => [1, 2, 3].map(async () => succeeded(await at(replica).post(call('few'), session)))),
    );
    // A third of four, at each of three.
    expect(runs.filter(Boolean)).toHaveLength(3);
  });

  it('refuses what has to last: a key is not made, and what is switched off is off here alone', async () => {
    expect((await rest(0, '/admin/keys', { name: 'k', roles: ['operator'] })).status).toBe(503);
    expect((await rest(1, '/tools/confirm/disable')).status).toBe(503);
    expect(JSON.stringify((await at(1).post(call('confirm'), session)).frames)).toContain('disabled');
  });

  it('ends a session here, and says that it may not be so elsewhere', async () => {
    expect((await at(1).delete(doomed)).status).toBe(503);
    expect((await at(1).post(call('where'), doomed)).status).toBe(404);
    expect((await at(2).post(call('where'), doomed)).status).toBe(200);
  });

  it(
    'does not let a server start that could not know who was revoked',
    async () => {
      const env = { MCP_REDIS_URL: set.redis.url, MCP_SESSION_KEYS: `k:${Buffer.alloc(32).toString('base64')}` };
      const args = ['serve', '--transport', 'http', '--port', '0'];
      const { code, stderr } = await Program.run({ args, env, cwd: folder.path });
      expect([code, stderr]).toEqual([1, expect.stringContaining('MCP_REDIS_URL: Redis was out of reach')]);
    },
    LONG_MS,
  );

  it(
    'is taken up again by itself when it is back, with all that could not be written',
    async () => {
      await set.redis.up();
      await until(
        async () => JSON.stringify(await readiness()) === JSON.stringify(Array(3).fill([200, 'ready'])),
        'it',
      );
      await until(async () => succeeded(await at(0).post(keyed(), session)), 'a call with a key');
      for (const replica of AT) {
        await until(
          async () => (await at(replica).post(call('where'), doomed)).status === 404,
          'the end of the session',
        );
        await until(
          async () => JSON.stringify((await at(replica).post(call('confirm'), session)).frames).includes('disabled'),
          'the tool to be off',
        );
      }
      expect((await rest(0, '/admin/keys', { name: 'k', roles: ['operator'] })).status).toBe(201);
    },
    LONG_MS,
  );
});
