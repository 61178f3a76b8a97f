import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SystemClock } from '../../common/index.js';
import { CHILD_ENVIRONMENT, type Command } from './command.js';
import { CommandRunner } from './command-runner.js';

// Long enough that only a kill ends it within the test.
const LONG_SEC = 1_000;
const LONG_MS = LONG_SEC * 1_000;
// Shorter than any test waits, longer than any program here takes to start.
const SHORT_MS = 1_500;

// What is killed is real, and so are the seconds of grace that it gets.
jest.setTimeout(60_000);

let folder: string;
let runner: CommandRunner;
const quiet = new AbortController().signal;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-command-'));
  runner = new CommandRunner(new SystemClock());
});

afterEach(async () => {
  await runner.onApplicationShutdown();
  await rm(folder, { recursive: true });
});

function command(name: string, args: readonly string[], more: Partial<Command> = {}): Command {
  const caps = { maxStdoutBytes: 1_048_576, maxStderrBytes: 262_144 };
  return { command: name, args, cwd: folder, signal: quiet, ...caps, ...more };
}

/** A program that starts others, for want of a shorter one. */
function script(text: string, more: Partial<Command> = {}): Command {
  return command('sh', ['-c', text], more);
}

/** The process that wrote its number to a file of the folder, once it has. */
async function pidIn(file: string): Promise<number> {
  const path = join(folder, file);
  for (;;) {
    const text = existsSync(path) ? await readFile(path, 'utf8') : '';
    if (text.endsWith('\n')) return Number(text);
    await delay(5);
  }
}

/** Whether a process runs: one that only waits to be reaped does not. */
async function isRunning(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return !/\) [ZX] /.test(stat);
}

describe('CommandRunner, a run', () => {
  it('tells output, exit code and duration', async () => {
    const outcome = await runner.run(script('echo out; echo err >&2; exit 3'));
    expect(outcome).toEqual({
      exitCode: 3,
      signal: undefined,
      timedOut: false,
      cancelled: false,
      startFailure: undefined,
      durationMs: expect.any(Number),
      stdout: 'out\n',
      stderr: 'err\n',
      truncatedStdout: false,
      truncatedStderr: false,
    });
    expect(outcome.durationMs).toBeGreaterThan(0);
  });

  it('tells the signal that ended the program', async () => {
    const outcome = await runner.run(script('kill -KILL $$'));
    expect(outcome).toMatchObject({ exitCode: undefined, signal: 'SIGKILL', timedOut: false, cancelled: false });
  });

  it('S4-16 hands over arguments as they are: no shell', async () => {
    const args = ['$HOME', '*', '`id`', '; id', '| id', '> x', 'a b', '', '-n', '\\', "'", 'é\n'];
    const { stdout } = await runner.run(command('printf', ['%s\\0', ...args]));
    expect(stdout).toBe(args.map((arg) => `${arg}\0`).join(''));
  });

  it('S4-16 gives a fixed environment, and what the command adds to it', async () => {
    const { stdout } = await runner.run(command('env', [], { env: { TERM: 'dumb' } }));
    const expected = Object.entries({ ...CHILD_ENVIRONMENT, TERM: 'dumb' }).map(([name, value]) => `${name}=${value}`);
    expect(stdout.trimEnd().split('\n').sort()).toEqual(expected.sort());
  });

  it('gives nothing to read, and the folder to work in', async () => {
    expect(await runner.run(command('cat', []))).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await runner.run(command('pwd', ['-P']))).toMatchObject({ stdout: `${folder}\n` });
  });

  it('runs many at once', async () => {
    const numbers = Array.from({ length: 30 }, (_, n) => String(n));
    const outcomes = await Promise.all(numbers.map((n) => runner.run(command('echo', [n]))));
    expect(outcomes.map(({ stdout }) => stdout.trim())).toEqual(numbers);
  });
});

describe('CommandRunner, a start that fails', () => {
  it('S4-16 tells a command that is not found', async () => {
    const outcome = await runner.run(command('no-such-program', []));
    expect(outcome).toMatchObject({ startFailure: { kind: 'not_found' }, exitCode: undefined, stdout: '' });
  });

  it('tells a folder that is not there from a command that is not', async () => {
    const outcome = await runner.run(command('echo', ['x'], { cwd: join(folder, 'gone') }));
    expect(outcome.startFailure?.kind).toBe('no_folder');
  });

  it('tells a program that may not be run', async () => {
    const path = join(folder, 'plain.txt');
    await writeFile(path, 'no program', { mode: 0o600 });
    expect((await runner.run(command(path, []))).startFailure?.kind).toBe('not_permitted');
  });

  it.each([
    ['a NUL in it', 'a\0b'],
    ['more than the system takes', 'x'.repeat(4_000_000)],
  ])('tells an argument with %s', async (_what, arg) => {
    expect((await runner.run(command('echo', [arg]))).startFailure?.kind).toBe('failed');
  });
});

describe('CommandRunner, output', () => {
  it('S4-19 W-29 keeps what the cap allows and drains the rest, so that the program ends by itself', async () => {
    const text = 'head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2; exit 7';
    const outcome = await runner.run(script(text, { maxStdoutBytes: 1_024, maxStderrBytes: 10 }));
    expect(outcome).toMatchObject({ exitCode: 7, truncatedStdout: true, truncatedStderr: true });
    expect([outcome.stdout.length, outcome.stderr.length]).toEqual([1_024, 10]);
  });

  it('S4-19 keeps characters whole that fall on the border of two chunks', async () => {
    const text = `a${'€'.repeat(100_000)}`;
    await writeFile(join(folder, 'text'), text);
    const outcome = await runner.run(command('cat', ['text']));
    expect(outcome.stdout === text).toBe(true);
    expect(outcome.truncatedStdout).toBe(false);
  });

  it('S4-19 replaces invalid UTF-8', async () => {
    expect((await runner.run(command('printf', ['a\\377b']))).stdout).toBe('a\ufffdb');
  });
});

describe('CommandRunner, the end of a process tree', () => {
  it('W-2 W-29 kills grandchildren on timeout, and returns what was written until then', async () => {
    const tree = `sh -c 'sleep ${LONG_SEC} & echo $! > grandchild; wait' & echo before; wait`;
    const outcome = await runner.run(script(tree, { timeoutMs: SHORT_MS }));
    expect(outcome).toMatchObject({ timedOut: true, cancelled: false, stdout: 'before\n' });
    expect(await isRunning(await pidIn('grandchild'))).toBe(false);
  });

  it('W-2 W-19 kills grandchildren when the call is cancelled', async () => {
    const call = new AbortController();
    const running = runner.run(script(`sleep ${LONG_SEC} & echo $! > grandchild; wait`, { signal: call.signal }));
    const grandchild = await pidIn('grandchild');
    expect(await isRunning(grandchild)).toBe(true);
    call.abort();
    expect(await running).toMatchObject({ cancelled: true, timedOut: false });
    expect(await isRunning(grandchild)).toBe(false);
  });

  it('W-2 kills hard what does not heed SIGTERM, leader and grandchildren alike', async () => {
    const call = new AbortController();
    const deaf = `trap '' TERM; sh -c 'echo $$ > grandchild; while :; do sleep 1; done' & wait; wait`;
    const running = runner.run(script(deaf, { signal: call.signal, timeoutMs: LONG_MS }));
    const grandchild = await pidIn('grandchild');
    call.abort();
    expect(await running).toMatchObject({ cancelled: true, signal: 'SIGKILL' });
    expect(await isRunning(grandchild)).toBe(false);
  });

  it('W-2 lets a program that heeds SIGTERM clean up', async () => {
    const call = new AbortController();
    const tidy = `trap 'kill $!; echo clean; exit 0' TERM; sleep ${LONG_SEC} & echo $$ > leader; wait`;
    const running = runner.run(script(tidy, { signal: call.signal }));
    await pidIn('leader');
    call.abort();
    expect(await running).toMatchObject({ cancelled: true, exitCode: 0, stdout: 'clean\n' });
  });

  it.each([
    ['holds the pipes', ''],
    ['writes elsewhere', '> /dev/null 2>&1'],
  ])('W-2 leaves no orphan when the leader ends before a grandchild that %s', async (_what, redirection) => {
    const outcome = await runner.run(script(`sleep ${LONG_SEC} ${redirection} & echo $! > grandchild; exit 5`));
    expect(outcome).toMatchObject({ exitCode: 5, timedOut: false, cancelled: false });
    expect(await isRunning(await pidIn('grandchild'))).toBe(false);
  });

  it('does not wait for who left the group and holds the pipes', async () => {
    const daemon = `setsid sh -c 'echo $$ > daemon; exec sleep ${LONG_SEC}' & while [ ! -s daemon ]; do :; done; echo done`;
    const outcome = await runner.run(script(daemon));
    expect(outcome).toMatchObject({ exitCode: 0, stdout: 'done\n' });
    process.kill(await pidIn('daemon'));
  });

  it('does not start for a call that is cancelled already', async () => {
    const outcome = await runner.run(script('echo x > started', { signal: AbortSignal.abort() }));
    expect(outcome).toMatchObject({ cancelled: true, exitCode: undefined, startFailure: undefined });
    expect(existsSync(join(folder, 'started'))).toBe(false);
  });

  it('lets go of the signal of a call that ended', async () => {
    const call = new AbortController();
    await runner.run(command('true', [], { signal: call.signal, timeoutMs: LONG_MS }));
    call.abort();
    expect(await runner.run(command('true', []))).toMatchObject({ exitCode: 0, cancelled: false });
  });
});

describe('CommandRunner, the end of the server', () => {
  it('W-2 ends all that runs, waits for it, and starts nothing more', async () => {
    const trees = [1, 2].map((n) => runner.run(script(`sleep ${LONG_SEC} & echo $! > child${n}; wait`)));
    const pids = [await pidIn('child1'), await pidIn('child2')];
    await runner.onApplicationShutdown();
    expect(await Promise.all(pids.map(isRunning))).toEqual([false, false]);
    for (const outcome of await Promise.all(trees)) expect(outcome.cancelled).toBe(true);
    expect(await runner.run(command('echo', ['x']))).toMatchObject({ cancelled: true, stdout: '' });
  });
});
