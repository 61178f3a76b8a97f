import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { BuiltServer } from '../support/built-server.js';
import { type Json, type Message, notification, request } from '../support/messages.js';
import { fixture, ROOT, type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { RawHttp } from '../support/raw-http.js';
import { ask, HttpSession } from '../support/raw-session.js';
import { StdioServer } from '../support/stdio-server.js';
import { PATIENCE_MS, until } from '../support/waiting.js';

const LONG_MS = 4 * PATIENCE_MS;
const REVISION = '2025-11-25';

const callIn = async (session: HttpSession, name: string, args: Json = {}): Promise<Message> =>
  (await ask(session, 'tools/call', { name, arguments: args })).answer;
const textOf = ({ result }: Message): string | undefined =>
  (result?.['content'] as { text: string }[] | undefined)?.map(({ text }) => text).join();
const failureOf = ({ result, error }: Message): Json =>
  error?.data ?? (result?.['_meta'] as { 'mcp-gatehouse/error'?: Json } | undefined)?.['mcp-gatehouse/error'] ?? {};

describe('S0-12 messages of one client', () => {
  it(
    'refuses message 101 with the text of the seed, keeps the connection, and gives the allowance back',
    async () => {
      const windowMs = 2_000;
      const server = await StdioServer.start({ env: { MCP_RATE_LIMIT_WINDOW_MS: String(windowMs) } });
      try {
        // The first two of a hundred.
        await server.initialize();
        for (let n = 3; n <= 101; n++) server.send(request(n, 'ping'));
        const refused = await server.answer(101);
        expect(refused).toEqual({
          jsonrpc: '2.0',
          id: 101,
          error: {
            code: -32000,
            message: 'Rate limit exceeded',
            data: { kind: 'rate_limited', retryAfterMs: expect.any(Number) },
          },
        });
        for (let n = 3; n <= 100; n++) expect((await server.answer(n)).result).toEqual({});
        const { retryAfterMs } = refused.error?.data as { retryAfterMs: number };
        expect(retryAfterMs).toBeLessThanOrEqual(windowMs);
        await pause(retryAfterMs);
        expect((await server.request('ping')).result).toEqual({});
        await server.program.said(
          /\[SECURITY\] .*"event":"rate_limit_exceeded".*Rate limit exceeded for client: local/,
        );
      } finally {
        await server.dispose();
      }
    },
    LONG_MS,
  );
});

describe('K-11 over HTTP', () => {
  let server: BuiltServer;
  const windowMs = 4_000;

  beforeAll(async () => {
    server = await BuiltServer.start({
      env: { MCP_RATE_LIMIT_WINDOW_MS: String(windowMs), MCP_RATE_LIMIT_MAX: '5', MCP_LOG_LEVEL: 'fatal' },
      flags: ['--log-format', 'text'],
    });
  }, LONG_MS);
  afterAll(() => server.dispose());

  it(
    'answers 429 with a Retry-After that is true, and counts sessions by themselves',
    async () => {
      const http = new RawHttp(server.url);
      const { session } = await http.initialize();
      await http.post(notification('notifications/initialized'), session);
      for (let n = 1; n <= 4; n++) expect((await http.post(request(n, 'ping'), session)).status).toBe(200);
      const refused = await http.post(request(6, 'ping'), session);
      const seconds = Number(refused.headers.get('retry-after'));
      expect([refused.status, seconds >= 1 && seconds <= windowMs / 1_000]).toEqual([429, true]);
      expect(refused.frames).toMatchObject([
        { id: 6, error: { code: -32000, message: 'Rate limit exceeded', data: { kind: 'rate_limited' } } },
      ]);
      const other = await http.initialize();
      expect((await http.post(request(1, 'ping'), other.session)).status).toBe(200);
      await pause(seconds * 1_000);
      expect((await http.post(request(5, 'ping'), session)).status).toBe(200);
    },
    LONG_MS,
  );

  it('S2-27 K-33 says so on stderr in one line of the form of the seed, whatever the level and form of the log', async () => {
    const [line] = await server.said(/^\[SECURITY\] .*rate_limit_exceeded.*$/m);
    expect(line).toMatch(
      /^\[SECURITY\] \{"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","event":"rate_limit_exceeded","transport":"http",/,
    );
    expect(JSON.parse(line.slice('[SECURITY] '.length))).toMatchObject({ bucket: 'messages', limit: 5, windowMs });
  });
});

describe('limits of tools', () => {
  let server: BuiltServer;
  let one: HttpSession;
  let other: HttpSession;

  beforeAll(async () => {
    server = await BuiltServer.start({
      plugins: [fixture('limits/index')],
      env: {
        MCP_RATE_LIMIT_MAX: '100000',
        MCP_SECURITY_LOG_FILE: 'security.log',
        MCP_CIRCUIT_BREAKER_HALF_OPEN_SUCCESS_THRESHOLD: '2',
      },
    });
  }, LONG_MS);
  afterAll(() => server.dispose());
  afterEach(() => {
    expect(server.stderr).not.toMatch(/^\{"level":"fatal"/m);
  });

  beforeAll(async () => {
    [one, other] = await Promise.all([HttpSession.open(server.url, REVISION), HttpSession.open(server.url, REVISION)]);
  }, LONG_MS);

  it('S4-33 K-9 refuses the runs of one caller above the rate of a tool, and no other', async () => {
    for (let i = 0; i < 2; i++) expect(textOf(await callIn(one, 'pair'))).toBe('one of a pair');
    const refused = await callIn(one, 'pair');
    expect(refused.error).toMatchObject({ code: -32000, message: 'Rate limit exceeded' });
    const { kind, retryAfterMs } = failureOf(refused) as { kind: string; retryAfterMs: number };
    expect([kind, retryAfterMs > 0 && retryAfterMs <= 30_000]).toEqual(['rate_limited', true]);
    expect(textOf(await callIn(other, 'pair'))).toBe('one of a pair');
    const written = await until(
      async () => /"bucket":"tool:pair".*/.exec(await readFile(join(server.stateDir, 'security.log'), 'utf8'))?.[0],
      'the event in the file of the security log',
    );
    expect(written).toContain('"limit":2,"windowMs":60000');
  });

  it('W-25 refuses the runs of all callers together above the total of a tool', async () => {
    expect(textOf(await callIn(one, 'shared'))).toBe('shared');
    expect(textOf(await callIn(other, 'shared'))).toBe('shared');
    for (const session of [one, other]) {
      expect(failureOf(await callIn(session, 'shared'))).toMatchObject({ kind: 'rate_limited' });
    }
  });

  it(
    'gives places round the callers that wait, and lets the newest of whoever has most give way',
    async () => {
      const calls = ['a1', 'a2', 'a3'].map((name) => callIn(one, 'hold', { name }));
      const ran = async (): Promise<string | undefined> => textOf(await callIn(other, 'let_go'));
      // Until the first one holds, nothing is held that could be let go.
      const busy = callIn(other, 'hold', { name: 'b1' });
      const gaveWay = await calls[2];
      expect(gaveWay?.result).toMatchObject({ isError: true });
      expect(failureOf(gaveWay as Message)).toMatchObject({ kind: 'server_busy', retryAfterMs: expect.any(Number) });
      await until(async () => (await ran()) === 'a1 a2 b1', 'all three to have run');
      await until(async () => (await ran()) && (await Promise.race([busy, Promise.resolve(undefined)])), 'the last');
      expect((await Promise.all([calls[0], calls[1], busy])).map((answer) => textOf(answer as Message))).toEqual([
        'a1',
        'a2',
        'b1',
      ]);
    },
    LONG_MS,
  );

  it(
    'S4-31 W-24 opens a breaker after failures, rests, tries, and closes again by itself',
    async () => {
      for (let i = 0; i < 2; i++) {
        expect(failureOf(await callIn(one, 'flaky', { fail: true }))).toMatchObject({ kind: 'internal' });
      }
      const refused = await callIn(one, 'flaky');
      expect(textOf(refused)).toMatch(/^Circuit breaker is open for flaky: it failed too often\. Try again in 1 s\.$/);
      const { retryAfterMs } = failureOf(refused) as { retryAfterMs: number };
      await pause(retryAfterMs);
      for (let i = 0; i < 2; i++) expect(textOf(await callIn(other, 'flaky'))).toBe('fine');
      await server.said(/The breaker of flaky went from closed to open: failures in a row/);
      await server.said(/from open to half_open: its rest is over/);
      await server.said(/from half_open to closed: trials succeeded/);
    },
    LONG_MS,
  );

  it('S4-32 no fault of the input opens a breaker', async () => {
    for (let i = 0; i < 5; i++) {
      expect(failureOf(await callIn(one, 'flaky', { fail: 'no' }))).toMatchObject({ kind: 'invalid_params' });
    }
    expect(textOf(await callIn(one, 'flaky'))).toBe('fine');
  });
});

describe('S2-15 REST', () => {
  let folder: TemporaryFolder;
  let program: Program;
  let url: string;

  const get = (path: string, who?: string): Promise<Response> =>
    fetch(`${url}/${path}`, who === undefined ? {} : { headers: { 'X-Who': who } });

  beforeAll(async () => {
    folder = await temporaryFolder();
    const settings = { rate: { maxRestRequests: 2, windowMs: 3_000 } };
    const script = join(ROOT, 'test', 'fixtures', 'limits', 'rest-server.mjs');
    program = Program.start({
      command: [process.execPath, script],
      args: [JSON.stringify(settings)],
      cwd: folder.path,
    });
    [url] = (await program.said(/^http:\S+/, 'stdout')) as unknown as [string];
  }, LONG_MS);
  afterAll(async () => {
    await program.stop();
    await folder.remove();
  });

  it(
    'is refused above its limit, over all routes, with problem+json and a Retry-After that is true',
    async () => {
      const first = await get('one', 'ada');
      expect([first.status, first.headers.get('x-ratelimit-limit')]).toEqual([200, '2']);
      expect((await get('two', 'ada')).headers.get('x-ratelimit-remaining')).toBe('0');
      const refused = await get('one', 'ada');
      const seconds = Number(refused.headers.get('retry-after'));
      expect([refused.status, seconds >= 1 && seconds <= 3]).toEqual([429, true]);
      expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(await refused.json()).toMatchObject({
        type: 'urn:mcp-gatehouse:error:rate_limited',
        status: 429,
        kind: 'rate_limited',
        detail: `Rate limit exceeded: try again in ${seconds} s`,
        retryAfterMs: seconds * 1_000,
      });
      await program.said(/\[SECURITY\] .*"rate_limit_exceeded".*"principal":"ada","bucket":"rest","limit":2/);
      await pause(seconds * 1_000);
      expect((await get('one', 'ada')).status).toBe(200);
    },
    LONG_MS,
  );

  it('W-13 counts principals by themselves, the unproven by address, and probes not at all', async () => {
    for (const who of ['bob', 'anonymous', undefined]) expect((await get('one', who)).status).toBe(200);
    expect((await get('one')).status).toBe(429);
    expect((await get('one', 'bob')).status).toBe(200);
    for (let i = 0; i < 5; i++) expect((await get('probe')).status).toBe(200);
  });
});
