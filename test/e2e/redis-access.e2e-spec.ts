import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { BuiltServer, type ServerOptions } from '../support/built-server.js';
import { makeAuthority, makeServerPairOf, type Pair, writePair } from '../support/certificates.js';
import { type Message, request } from '../support/messages.js';
import { fixture, type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { type Exit, Program } from '../support/program.js';
import { type HttpAnswer, RawHttp } from '../support/raw-http.js';
import { RedisSentinels } from '../support/redis-sentinels.js';
import { RedisServer } from '../support/redis-server.js';
import { RestClient } from '../support/rest-client.js';
import { PATIENCE_MS, until } from '../support/waiting.js';

jest.setTimeout(6 * PATIENCE_MS);

const PASSWORD = `p@ss/${randomBytes(8).toString('hex')}`;
const SENTINEL_PASSWORD = randomBytes(8).toString('hex');
const ADA = { Authorization: 'Bearer ada-token-of-redis-access-000000000000001' };
const KEYS = `k1:${randomBytes(32).toString('base64')}`;
/** As docs/scaling.md has it. */
const RIGHTS = ['~gatehouse:*', '&gatehouse:*', '+@all', '-@admin', '-@dangerous', '+info', '+config|get'];

let folder: TemporaryFolder;
let authority: Pair;
let files: Pair & { ca: string };
let foreign: string;
const servers: BuiltServer[] = [];

beforeAll(async () => {
  folder = await temporaryFolder();
  authority = await makeAuthority();
  const ca = (await writePair(folder.path, 'ca', authority)).cert;
  files = { ...(await writePair(folder.path, 'redis', await makeServerPairOf(authority))), ca };
  foreign = (await writePair(folder.path, 'foreign', await makeAuthority())).cert;
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.dispose()));
});

afterAll(() => folder.remove());

const envOf = (url: string, more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  MCP_REDIS_URL: url,
  MCP_SESSION_KEYS: KEYS,
  MCP_AUTH_TOKENS: `ada:admin:${ADA.Authorization.slice(7)}`,
  MCP_LOG_LEVEL: 'debug',
  ...more,
});

async function started(env: Record<string, string>, more: ServerOptions = {}): Promise<BuiltServer> {
  const server = await BuiltServer.start({ ...more, env });
  servers.push(server);
  return server;
}

const refused = (env: Record<string, string>): Promise<Exit & { stdout: string; stderr: string }> =>
  Program.run({ args: ['serve', '--transport', 'http', '--port', '0'], env, cwd: folder.path });

const succeeded = ({ status, frames }: HttpAnswer): boolean => {
  const { error, result } = frames.at(-1) as Message;
  return status === 200 && error === undefined && result?.['isError'] !== true;
};

/** Neither the secret, nor what of it a URL holds. */
function expectSilence(text: string): void {
  for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), SENTINEL_PASSWORD]) expect(text).not.toContain(secret);
}

describe('Redis by TLS, as a user that may do what is needed and no more', () => {
  let redis: RedisServer;
  const url = (): string => redis.urlAs('gatehouse', PASSWORD);

  beforeAll(async () => {
    redis = await RedisServer.start({
      tls: files,
      args: ['--user', 'default', 'off', '--user', 'gatehouse', 'on', `>${PASSWORD}`, ...RIGHTS],
    });
  });

  afterAll(() => redis.remove());

  it('serves sessions, keyed calls, streams and keys of two replicas', async () => {
    const more = { plugins: [fixture('replicas/index')] };
    const env = envOf(url(), { MCP_REDIS_CA: files.ca });
    const [a, b] = await Promise.all([started(env, more), started(env, more)]);
    const [atA, atB] = [new RawHttp(a.url), new RawHttp(b.url)];
    const { session } = await atA.initialize('2025-11-25', ADA);
    const path = join(folder.path, 'noted');
    const meta = { 'mcp-gatehouse/idempotencyKey': 'k' };
    const keyed = (id: number) => request(id, 'tools/call', { name: 'note', arguments: { path }, _meta: meta });
    const first = await atA.post(keyed(1), session);
    const again = await atB.post(keyed(2), session);
    expect([first, again].map(succeeded)).toEqual([true, true]);
    expect((again.frames[0] as Message).result).toEqual({
      ...(first.frames[0] as Message).result,
      _meta: { 'mcp-gatehouse/replayed': true },
    });
    const walk = request(3, 'tools/call', { name: 'walk', arguments: { steps: 5 }, _meta: { progressToken: 'p' } });
    const stream = await atA.postOpen(walk, session);
    await stream.said(/"progress":1,/);
    await stream.leave();
    const resumed = await atB.stream({ ...session, 'Last-Event-ID': stream.eventIds.at(-1) ?? '' });
    await resumed.message(({ id }) => id === 3, 'the answer');
    const made = await new RestClient(a.url).post('/admin/keys', { name: 'k', roles: ['operator'] }, ADA);
    expect(made.status).toBe(201);
    for (const server of [a, b]) {
      expect(server.stderr).not.toMatch(/NOPERM|does not tell its settings/);
      expectSilence(server.stdout + server.stderr);
    }
  });

  it.each([
    ['a wrong password', () => envOf(redis.urlAs('gatehouse', 'wrong'), { MCP_REDIS_CA: files.ca }), /WRONGPASS/],
    ['no user at all', () => envOf(redis.url, { MCP_REDIS_CA: files.ca }), /NOAUTH/],
    ['an authority that nobody trusts', () => envOf(url()), /UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED/],
    [
      'an authority that is another',
      () => envOf(url(), { MCP_REDIS_CA: foreign }),
      /UNABLE_TO_VERIFY_LEAF_SIGNATURE|SELF_SIGNED|CERT_SIGNATURE_FAILURE/,
    ],
    ['no TLS', () => envOf(url().replace('rediss:', 'redis:')), /MCP_REDIS_URL: Redis was out of reach/],
  ])('does not start with %s, and says what is wrong', async (_what, env, reason) => {
    const { code, stdout, stderr } = await refused(env());
    expect([code, stderr]).toEqual([1, expect.stringContaining('MCP_REDIS_URL: Redis was out of reach')]);
    expect(stderr).toMatch(reason);
    expectSilence(stdout + stderr);
  });

  it('does not start with an authority that cannot be read', async () => {
    const { code, stderr } = await refused(envOf(url(), { MCP_REDIS_CA: join(folder.path, 'nowhere.crt') }));
    expect([code, stderr]).toEqual([78, expect.stringContaining('MCP_REDIS_CA')]);
  });
});

describe('Redis behind Sentinel', () => {
  let redis: RedisSentinels;

  beforeEach(async () => {
    redis = await RedisSentinels.start({ tls: files, password: PASSWORD, sentinelPassword: SENTINEL_PASSWORD });
  });

  afterEach(() => redis.remove());

  const settings = (): Record<string, string> =>
    envOf(redis.url, {
      MCP_REDIS_CA: files.ca,
      MCP_REDIS_SENTINEL_PASSWORD: SENTINEL_PASSWORD,
      MCP_REDIS_TIMEOUT_MS: '500',
      MCP_HEALTH_CPU_THRESHOLD: '100',
      MCP_HEALTH_MEMORY_THRESHOLD: '100',
    });

  it.each([
    ['is gone', (master: RedisServer) => master.down()],
    ['hangs, and keeps its connections', async (master: RedisServer) => master.freeze()],
  ])('goes on at the next master by itself when the master %s', async (_what, lose) => {
    const [a, b] = await Promise.all([started(settings()), started(settings())]);
    const [master] = redis.servers;
    const rest = new RestClient(a.url);
    const before = await rest.post('/admin/keys', { name: 'before', roles: ['operator'] }, ADA);
    expect(before.status).toBe(201);
    const key = { Authorization: `Bearer ${String(before.json['token'])}` };
    const { session } = await new RawHttp(a.url).initialize('2025-11-25', key);
    const ping = async (server: BuiltServer, id: number) =>
      (await new RawHttp(server.url).post(request(id, 'ping'), session)).status;
    expect(await ping(b, 1)).toBe(200);
    await redis.inSync();
    await lose(master);
    // What has to last is written again as soon as there is a master, by the processes that were there before.
    await until(
      async () => (await rest.post('/admin/keys', { name: 'after', roles: ['operator'] }, ADA)).status === 201,
      'a master that takes a key',
      2 * PATIENCE_MS,
    );
    for (const server of [a, b]) {
      await until(
        async () => (await new RestClient(server.url).get('/health/ready')).json['status'] === 'ready',
        'it to be ready',
      );
      expect(await ping(server, 2)).toBe(200);
      expectSilence(server.stdout + server.stderr);
    }
    // What the old master had is there: the next start knows the key.
    const late = await started(settings());
    expect(await ping(late, 3)).toBe(200);
    // The old one comes back as a replica, and nobody takes it for the master.
    master.thaw();
    await master.down();
    await master.up();
    const kept = await rest.post('/admin/keys', { name: 'later', roles: ['operator'] }, ADA);
    expect(kept.status).toBe(201);
  });

  it('does not start with a wrong password of the sentinels, and says so', async () => {
    const { code, stdout, stderr } = await refused({ ...settings(), MCP_REDIS_SENTINEL_PASSWORD: 'wrong' });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/All sentinels are unreachable.*WRONGPASS/)]);
    expectSilence(stdout + stderr);
  });
});
