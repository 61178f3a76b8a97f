import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import type { Tally } from '../../src/cli/rollout/tally.js';
import { type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { isRunning } from '../support/process-life.js';
import { Program } from '../support/program.js';
import { RedisServer } from '../support/redis-server.js';

// Three replicas are started, and three more in their place.
jest.setTimeout(120_000);
const CHECK_MS = 100_000;

interface Report {
  readonly ok: boolean;
  readonly faults: readonly string[];
  readonly all: Tally;
  readonly kinds: Readonly<Record<string, Tally>>;
  readonly lostSessions: number;
  readonly endings: readonly { readonly pid: number; readonly exit: unknown }[];
}

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(() => folder.remove());

describe('gatehouse rollout-check', () => {
  let redis: RedisServer;

  beforeEach(async () => {
    redis = await RedisServer.start();
  });

  afterEach(() => redis.remove());

  it('K-36 a rolling restart of three replicas loses nothing, and does nothing twice', async () => {
    const args = ['rollout-check', '--redis', redis.url, '--settle', '1', '--clients', '1', '--json'];
    const check = Program.start({ args, cwd: folder.path });
    const { code } = await check.ending(CHECK_MS);
    const report = JSON.parse(check.stdout) as Report;
    const lost = Object.entries(report.kinds).filter(([, tally]) => tally.lost > 0);
    expect([report.faults, lost, code, report.ok]).toEqual([[], [], 0, true]);
    expect(report.all).toMatchObject({ lost: 0, answeredTwice: 0, executedTwice: 0, outcomeUnknown: 0, failed: 0 });
    expect(report.lostSessions).toBe(0);
    expect(report.endings.map(({ exit }) => exit)).toEqual([0, 0, 0]);
    // Each kind of call was made, and streams were left and taken up again at other replicas.
    expect(Object.keys(report.kinds)).toHaveLength(7);
    for (const { answered } of Object.values(report.kinds)) expect(answered).toBeGreaterThan(0);
    expect(report.all.resumed).toBeGreaterThan(0);
    for (const { pid } of report.endings) expect(await isRunning(pid)).toBe(false);
  });

  it('leaves no process behind where it is given up in the middle', async () => {
    const args = ['rollout-check', '--redis', redis.url, '--settle', '1', '--clients', '1'];
    const check = Program.start({ args, cwd: folder.path });
    await check.said(/^Replica 1 of 3 /m, 'stderr', CHECK_MS);
    const children = await readFile(`/proc/${check.pid}/task/${check.pid}/children`, 'utf8');
    const pids = children.trim().split(' ').map(Number);
    expect(pids.length).toBeGreaterThanOrEqual(2);
    const { code } = await check.stop();
    expect(code).toBe(1);
    for (const pid of pids) expect(await isRunning(pid)).toBe(false);
  });
});

describe('gatehouse rollout-check that cannot check', () => {
  const run = (args: readonly string[], env = {}) =>
    Program.run({ args: ['rollout-check', ...args], cwd: folder.path, env });

  it('names the package where there is no redis-server', async () => {
    const { code, stderr } = await run([], { PATH: folder.path });
    expect(code).toBe(1);
    expect(stderr).toContain('install the package redis-server');
  });

  it.each([
    [['--replicas', '1'], /--replicas must be a whole number, 2 to 10/],
    [['--settle', 'x'], /--settle must be a whole number, 1 to 300/],
    [['--redis', 'http://user:secret@x'], /--redis must be /],
    [['--fast'], /Unknown option '--fast'/],
  ])('refuses %j with a sentence', async (args, sentence) => {
    const { code, stderr } = await run(args);
    expect(code).toBe(64);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toContain('secret');
  });

  it('tells of itself', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^gatehouse rollout-check: /);
  });
});
