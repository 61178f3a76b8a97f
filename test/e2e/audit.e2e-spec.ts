import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { BuiltServer } from '../support/built-server.js';
import type { Json, Message } from '../support/messages.js';
import type * as ThreadSinkModule from '../../src/audit/thread-audit-sink.js';
import { fixture, ROOT, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { ask, HttpSession } from '../support/raw-session.js';
import { PATIENCE_MS, until } from '../support/waiting.js';

const LONG_MS = 6 * PATIENCE_MS;
const REVISION = '2025-11-25';
const FREE = { MCP_RATE_LIMIT_MAX: '100000' };

type Record_ = Json & { readonly seq: number; readonly type: string };

/** A server with an audit log, and the tools to look at it. */
class Audited {
  private constructor(
    readonly server: BuiltServer,
    private readonly name: string,
  ) {}

  static async start(env: Readonly<Record<string, string>> = {}, name = 'audit.jsonl'): Promise<Audited> {
    const plugins = [fixture('limits/index')];
    return new Audited(await BuiltServer.start({ plugins, env: { ...FREE, MCP_AUDIT_FILE: name, ...env } }), name);
  }

  get path(): string {
    return join(this.server.stateDir, this.name);
  }

  session(): Promise<HttpSession> {
    return HttpSession.open(this.server.url, REVISION);
  }

  async text(): Promise<string> {
    return readFile(this.path, 'utf8').catch(() => '');
  }

  async records(): Promise<readonly Record_[]> {
    const lines = (await this.text()).split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Record_);
  }

  /** Waits until so many calls are on the disk. */
  async written(calls: number): Promise<readonly Record_[]> {
    return until(async () => {
      const found = (await this.records()).filter(({ type }) => type === 'call');
      return found.length >= calls && found;
    }, `${calls} calls in the audit log`);
  }

  run(...args: readonly string[]): ReturnType<typeof Program.run> {
    const env = { MCP_AUDIT_FILE: this.name };
    return Program.run({ args: ['audit', ...args], env, cwd: this.server.stateDir });
  }
}

const call = async (session: HttpSession, name: string, args: Json = {}): Promise<Message> =>
  (await ask(session, 'tools/call', { name, arguments: args })).answer;

let open: Audited | undefined;

async function start(...args: Parameters<typeof Audited.start>): Promise<Audited> {
  open = await Audited.start(...args);
  return open;
}

afterEach(async () => {
  await open?.server.dispose();
  open = undefined;
});

describe('the audit log', () => {
  it(
    'has every call and denial, on a chain that outlasts kill -9, with nothing lost that was on the disk',
    async () => {
      const audited = await start();
      const session = await audited.session();
      await call(session, 'echo', { message: 'one' });
      await call(session, 'echo', { message: 'two' });
      await call(session, 'no_such_tool', { x: 1 });
      await call(session, 'pair', {});
      await ask(session, 'prompts/get', { name: 'no_such_prompt' });
      await ask(session, 'resources/read', { uri: 'nothing://here' });
      const before = await audited.written(6);
      expect(before.map(({ target, outcome, kind }) => [target, outcome, kind])).toEqual([
        ['tool:echo', 'success', undefined],
        ['tool:echo', 'success', undefined],
        ['tool:no_such_tool', 'refused', 'unknown_tool'],
        ['tool:pair', 'success', undefined],
        ['prompt:no_such_prompt', 'refused', 'unknown_prompt'],
        ['resource:nothing://here', 'refused', 'resource_not_found'],
      ]);
      for (const record of before) {
        expect(record).toMatchObject({ door: 'http', principal: 'gatehouse/anonymous', time: expect.any(Number) });
        expect(record['requestId']).toMatch(/^req-/);
      }
      await audited.server.restart('SIGKILL');
      await call(await audited.session(), 'echo', { message: 'three' });
      await audited.written(7);
      expect((await audited.records()).map(({ type }) => type)).toEqual([
        'start',
        ...before.map(() => 'call'),
        'start',
        'call',
      ]);
      const verified = await audited.run('verify');
      expect([verified.code, verified.stderr]).toEqual([0, '']);
      expect(verified.stdout).toMatch(
        /^9 records in 1 files are as they were written: 1 to 9\.\nThe last has the hash/,
      );
      await audited.server.stop();
      expect((await audited.records()).at(-1)).toMatchObject({ seq: 10, type: 'end' });
      const [, hash] = (await audited.server.said(/The chain ends with record 10, ([\w-]{43})/)) as unknown as string[];
      expect((await audited.run('verify', '--expect', hash as string)).code).toBe(0);
    },
    LONG_MS,
  );

  it(
    'recognises a line that was torn by the kill, and seals it',
    async () => {
      const audited = await start();
      await call(await audited.session(), 'echo', { message: 'one' });
      await audited.written(1);
      await audited.server.stop('SIGKILL');
      await appendFile(audited.path, '{"seq":3,"time":17000000');
      const torn = await audited.run('verify');
      expect([torn.code, torn.stderr]).toEqual([1, expect.stringMatching(/audit\.jsonl, line 3 is cut off/)]);
      await audited.server.restart();
      await until(async () => (await audited.records()).some(({ type }) => type === 'recovered'), 'the seal');
      expect((await audited.records()).find(({ type }) => type === 'recovered')).toMatchObject({
        tornBytes: 24,
        fragment: '{"seq":3,"time":17000000',
      });
      expect((await audited.run('verify')).code).toBe(0);
    },
    LONG_MS,
  );

  it(
    'names the first line that was changed, taken out or cut off',
    async () => {
      const audited = await start();
      const session = await audited.session();
      for (let i = 0; i < 4; i++) await call(session, 'echo', { message: String(i) });
      await audited.written(4);
      await audited.server.stop();
      const text = await audited.text();
      const lines = text.split('\n').slice(0, -1);
      const hash = (JSON.parse(lines.at(-1) as string) as { hash: string }).hash;
      const faults: [string, string, RegExp][] = [
        ['changed', text.replace('"outcome":"success"', '"outcome":"refused"'), /line 2 does not fit its hash/],
        ['taken out', [...lines.slice(0, 2), ...lines.slice(3), ''].join('\n'), /line 3 has number 4, and 3 is due/],
        ['moved', [lines[0], lines[2], lines[1], ...lines.slice(3), ''].join('\n'), /line 2 has number 3/],
        ['cut', text.slice(0, -10), /line 6 is cut off/],
        ['no record', `${text}x\n`, /line 7 is no record of the log/],
      ];
      for (const [what, changed, fault] of faults) {
        await writeFile(audited.path, changed);
        const { code, stderr } = await audited.run('verify');
        expect([what, code, stderr]).toEqual([what, 1, expect.stringMatching(fault)]);
      }
      await writeFile(audited.path, `${lines.slice(0, -2).join('\n')}\n`);
      expect((await audited.run('verify')).code).toBe(0);
      const cut = await audited.run('verify', '--expect', hash);
      expect([cut.code, cut.stderr]).toEqual([1, expect.stringMatching(/No record has the hash/)]);
    },
    LONG_MS,
  );

  it(
    'is rotated by size, and verified through its files',
    async () => {
      const audited = await start({ MCP_AUDIT_MAX_FILE_SIZE: '2000', MCP_AUDIT_BACKUP_COUNT: '3' });
      const session = await audited.session();
      for (let i = 0; i < 12; i++) {
        await call(session, 'echo', { message: String(i) });
        await pause(120);
      }
      await until(() => readFile(`${audited.path}.2`, 'utf8').catch(() => ''), 'two rotations');
      await audited.server.stop();
      const verified = await audited.run('verify');
      expect([verified.code, verified.stderr]).toEqual([0, '']);
      expect(Number(/in (\d+) files/.exec(verified.stdout)?.[1])).toBeGreaterThanOrEqual(3);
    },
    LONG_MS,
  );
});

describe('the thread that writes', () => {
  it(
    'is started again where it ended, and what it did not answer is known to have failed',
    async () => {
      const folder = await temporaryFolder();
      const path = join(folder.path, 'audit.jsonl');
      // As it is built: the thread is loaded from the file beside it.
      const built = (await import(join(ROOT, 'dist', 'audit', 'thread-audit-sink.js'))) as typeof ThreadSinkModule;
      const options = { path, maxBytes: 1_000_000, backupCount: 1, run: 'aa', salt: 's', isSynced: false };
      const sink = new built.ThreadAuditSink({ ...options, keepArguments: 'digest' });
      expect((await sink.write('"type":"call"\n')).seq).toBe(2);
      const { worker } = sink as unknown as { worker: { terminate(): Promise<number> } };
      const ended = worker.terminate();
      await expect(sink.write('"type":"call"\n')).rejects.toThrow(/the writer ended/);
      await ended;
      // The start of the new thread, and the batch.
      expect((await sink.write('"type":"call"\n')).seq).toBe(4);
      await sink.close();
      await folder.remove();
    },
    LONG_MS,
  );
});

describe('what is kept of arguments', () => {
  it(
    'is a digest that can be held against a call, and nothing of a secret',
    async () => {
      const audited = await start();
      const session = await audited.session();
      await call(session, 'login', { word: 'hunter2', user: 'ada' });
      await call(session, 'login', { user: 'ada', word: 'hunter2' });
      const [one, other] = await audited.written(2);
      const { salt } = (await audited.records())[0] as unknown as { salt: string };
      const digest = createHash('sha256').update(`${salt}\n{"user":"ada","word":"hunter2"}`).digest('base64url');
      expect([one?.['argsDigest'], other?.['argsDigest']]).toEqual([digest, digest]);
      expect(await audited.text()).not.toMatch(/hunter2|"ada"/);
    },
    LONG_MS,
  );

  it(
    'is the arguments themselves by opt-in, without what is secret',
    async () => {
      const audited = await start({ MCP_AUDIT_ARGUMENTS: 'redacted' });
      const session = await audited.session();
      await call(session, 'login', { word: 'hunter2', user: 'ada', args: '-p hunter2 --cookie hunter2 -v' });
      const [record] = await audited.written(1);
      expect(record?.['args']).toEqual({
        word: '***REDACTED***',
        user: 'ada',
        args: '-p ***REDACTED*** --cookie ***REDACTED*** -v',
      });
      expect(`${await audited.text()}${audited.server.stderr}`).not.toContain('hunter2');
    },
    LONG_MS,
  );

  it(
    'is nothing where nothing is wanted',
    async () => {
      const audited = await start({ MCP_AUDIT_ARGUMENTS: 'none' });
      await call(await audited.session(), 'echo', { message: 'hi' });
      const [record] = await audited.written(1);
      expect(Object.keys(record ?? {}).filter((key) => key.startsWith('args'))).toEqual([]);
    },
    LONG_MS,
  );
});

describe('MCP_AUDIT_REQUIRED', () => {
  it(
    'refuses calls while the log cannot be written, and goes on by itself when it can',
    async () => {
      const audited = await start({ MCP_AUDIT_REQUIRED: 'true' }, 'later/audit.jsonl');
      await audited.server.said(/The audit log cannot be written, calls are refused until it can: ENOENT/);
      const session = await audited.session();
      for (let i = 0; i < 2; i++) {
        expect((await call(session, 'echo', { message: 'hi' })).error).toMatchObject({
          code: -32000,
          message:
            'The audit log cannot be written, and nothing runs without it: try again later, or tell the operator.',
          data: { kind: 'audit_unavailable', retryAfterMs: 1_000 },
        });
      }
      expect((await ask(session, 'ping')).answer.result).toEqual({});
      await mkdir(join(audited.server.stateDir, 'later'));
      await audited.server.said(/The audit log is written again/);
      const answer = await call(session, 'echo', { message: 'hi' });
      expect(answer.result).toMatchObject({ content: [{ text: expect.stringContaining('hi') }] });
      expect((await audited.written(3)).map(({ outcome, kind }) => [outcome, kind])).toEqual([
        ['refused', 'audit_unavailable'],
        ['refused', 'audit_unavailable'],
        ['success', undefined],
      ]);
      expect((await audited.run('verify')).code).toBe(0);
      // And back again: a folder that goes away under it.
      await rm(join(audited.server.stateDir, 'later'), { recursive: true });
      await until(
        async () => (await call(session, 'echo', { message: 'hi' })).error?.data?.['kind'] === 'audit_unavailable',
        'calls to be refused again',
      );
    },
    LONG_MS,
  );

  it(
    'is a fault of the start without a file',
    async () => {
      const { code, stderr } = await Program.run({
        args: ['serve'],
        env: { MCP_AUDIT_REQUIRED: 'true' },
        cwd: '/',
      });
      expect([code, stderr]).toEqual([78, expect.stringContaining('name one with MCP_AUDIT_FILE')]);
    },
    LONG_MS,
  );
});

describe('gatehouse audit', () => {
  let audited: Audited;

  beforeAll(async () => {
    audited = await Audited.start();
    const session = await audited.session();
    for (const message of ['1', '2', '3']) await call(session, 'echo', { message });
    await call(session, 'flaky', { fail: true });
    await call(session, 'no_such_tool');
    await audited.written(5);
  }, LONG_MS);
  afterAll(() => audited.server.dispose());

  it(
    'searches by who, what, how it ended and when',
    async () => {
      const found = async (...args: readonly string[]): Promise<unknown[]> => {
        const { stdout } = await audited.run('search', ...args);
        return stdout
          .split('\n')
          .slice(0, -1)
          .map((line) => (JSON.parse(line) as Json)['target'] ?? 'none');
      };
      expect(await found('--target', 'tool:echo')).toEqual(['tool:echo', 'tool:echo', 'tool:echo']);
      expect(await found('--outcome', 'failure', '--principal', 'gatehouse/*')).toEqual(['tool:flaky']);
      expect(await found('--kind', 'unknown_tool', '--since', '1h')).toEqual(['tool:no_such_tool']);
      expect(await found('--type', 'start')).toEqual(['none']);
      const nothing = await audited.run('search', '--until', '1d');
      expect([nothing.code, nothing.stdout]).toEqual([1, '']);
    },
    LONG_MS,
  );

  it(
    'shows the newest records, and those that come',
    async () => {
      const tail = await audited.run('tail', '-n', '2');
      expect(tail.stdout).toMatch(
        /^5 \S+Z call gatehouse\/anonymous tool:flaky failure internal [\d.]+ ms req-\S+\n6 \S+Z call .* tool:no_such_tool refused unknown_tool 0 ms req-\S+\n$/,
      );
      const following = Program.start({
        args: ['audit', 'tail', '-f', '-n', '1', audited.path],
        cwd: audited.server.stateDir,
      });
      await following.said(/^6 /m, 'stdout');
      await call(await audited.session(), 'pair');
      await following.said(/^7 .* tool:pair success /m, 'stdout');
      await following.stop();
    },
    LONG_MS,
  );

  it(
    'says how it is used, and what is wrong with how it was',
    async () => {
      const outcome = async (...args: readonly string[]): Promise<[unknown, string]> => {
        const { code, stdout, stderr } = await Program.run({ args: ['audit', ...args], cwd: audited.server.stateDir });
        return [code, stdout + stderr];
      };
      expect(await outcome('--help')).toEqual([
        0,
        expect.stringMatching(/^Usage: gatehouse audit <verify\|tail\|search>/),
      ]);
      expect(await outcome('verify')).toEqual([64, expect.stringContaining('MCP_AUDIT_FILE is not set')]);
      expect(await outcome('verify', 'nowhere.jsonl')).toEqual([1, expect.stringContaining('holds no record')]);
      expect(await outcome('mend', audited.path)).toEqual([64, expect.stringContaining('no "gatehouse audit mend"')]);
      expect(await outcome('search', audited.path, '--since', 'soon')).toEqual([
        64,
        expect.stringContaining('"soon" is no time'),
      ]);
      expect(await outcome('tail', audited.path, '-n', 'all')).toEqual([
        64,
        expect.stringContaining('no number of lines'),
      ]);
      expect(await outcome('verify', audited.path, '--expct', 'x')).toEqual([64, expect.stringContaining('--expct')]);
    },
    LONG_MS,
  );
});
