import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Clock, EXIT, StartError, SystemClock } from '../common/index.js';
import { type Holder } from './folder-lock.js';
import { ownIdentity } from './process-identity.js';
import { StateFolder } from './state-folder.js';

/** The machine's time, shifted: files bear the machine's time. */
class ShiftedClock extends Clock {
  constructor(public shiftMs = 0) {
    super();
  }

  override now(): number {
    return Date.now() + this.shiftMs;
  }

  override monotonic(): number {
    return performance.now();
  }
}

describe('StateFolder', () => {
  let root: string;
  let path: string;
  let lock: string;
  let opened: StateFolder[];

  beforeEach(async () => {
    Logger.overrideLogger(false);
    root = await mkdtemp(join(tmpdir(), 'gatehouse-state-'));
    path = join(root, 'a', 'b');
    lock = join(path, 'lock');
    opened = [];
  });

  afterEach(async () => {
    await Promise.all(opened.map((folder) => folder.close()));
    jest.restoreAllMocks();
    Logger.overrideLogger(undefined as never);
    await rm(root, { recursive: true });
  });

  const openFolder = async (clock: Clock = new SystemClock()): Promise<StateFolder> => {
    const folder = await StateFolder.open({ path, details: { name: 'gate', port: 8080 }, clock });
    opened.push(folder);
    return folder;
  };
  const leaveLock = async (holder: Partial<Holder>): Promise<void> => {
    await mkdir(path, { recursive: true });
    const own = await ownIdentity();
    const since = '2026-01-01T00:00:00.000Z';
    await writeFile(lock, JSON.stringify({ ...own, host: hostname(), name: 'old', port: 1, since, ...holder }));
  };

  it('makes the folder for its owner alone', async () => {
    const folder = await openFolder();
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    expect((await stat(lock)).mode & 0o777).toBe(0o600);
    expect(folder.pathOf('x')).toBe(join(path, 'x'));
  });

  it('D-9 refuses a locked folder and names the holder', async () => {
    await openFolder();
    const error = await openFolder().catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(StartError);
    expect((error as Error).message).toMatch(/is in use by "gate" \(pid \d+ on .+, port 8080, since 20\d\d-/);
    expect((error as Error).message).toContain(String(process.pid));
    expect((error as Error).message).toContain('--state-dir (MCP_STATE_DIR)');
  });

  it('gives the folder back when it is closed', async () => {
    const folder = await openFolder();
    await folder.close();
    opened.pop();
    expect(await readdir(path)).toEqual([]);
    await openFolder();
  });

  it('takes over from a process that is dead', async () => {
    await leaveLock({ pid: spawnSync(process.execPath, ['--version']).pid });
    await openFolder();
    expect(JSON.parse(await readFile(lock, 'utf8'))).toMatchObject({ pid: process.pid, name: 'gate' });
    expect(await readdir(path)).toEqual(['lock']);
  });

  it('takes over from an earlier process with the pid of this one, as in a container', async () => {
    await leaveLock({ startId: 'boot/1' });
    await openFolder();
  });

  it('takes over from an earlier process with the pid of another one', async () => {
    await leaveLock({ pid: process.ppid, startId: 'boot/1' });
    await openFolder();
  });

  it('knows a living process of another start by its pid alone where the system tells no more', async () => {
    await leaveLock({ pid: process.ppid, startId: 'origin:1' });
    await expect(openFolder()).rejects.toThrow('is in use by "old"');
  });

  it('takes over from a lock with an impossible pid', async () => {
    await leaveLock({ pid: -1 });
    await openFolder();
  });

  it('waits 30 s for a sign of life of a process on another machine', async () => {
    await leaveLock({ host: 'elsewhere', pid: 1 });
    await utimes(lock, Date.now() / 1_000 - 25, Date.now() / 1_000 - 25);
    await expect(openFolder()).rejects.toThrow('pid 1 on elsewhere');
    await utimes(lock, Date.now() / 1_000 - 31, Date.now() / 1_000 - 31);
    await openFolder();
  });

  it('shows signs of life', async () => {
    const clock = new ShiftedClock();
    const folder = await openFolder(clock);
    clock.shiftMs = 60_000;
    await folder.beat();
    expect((await stat(lock)).mtimeMs).toBeGreaterThan(Date.now() + 50_000);
    expect(() => folder.assertHeld()).not.toThrow();
  });

  it('writes no more once another process took the folder over', async () => {
    const folder = await openFolder();
    await rm(lock);
    const error = jest.spyOn(Logger.prototype, 'error');
    await folder.beat();
    await folder.beat();
    expect(error).toHaveBeenCalledTimes(1);
    expect(() => folder.assertHeld()).toThrow('was taken over');
    await leaveLock({});
    await folder.close();
    opened.pop();
    expect(await readdir(path)).toEqual(['lock']);
  });

  it('warns when it cannot show signs of life', async () => {
    const folder = await openFolder();
    await folder.close();
    opened.pop();
    const warn = jest.spyOn(Logger.prototype, 'warn');
    await folder.beat();
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('cannot be kept fresh'));
  });

  it.each(['', '{"pid":', '7', '{"pid":"x"}'])('takes over an old lock that was never written: %j', async (text) => {
    await mkdir(path, { recursive: true });
    await writeFile(lock, text);
    await utimes(lock, Date.now() / 1_000 - 3, Date.now() / 1_000 - 3);
    await openFolder();
  });

  it('waits for a lock that is being written', async () => {
    await mkdir(path, { recursive: true });
    await writeFile(lock, '');
    const waiting = expect(openFolder()).rejects.toThrow('is in use by "old"');
    await pause(120);
    await leaveLock({});
    await waiting;
  });

  it('refuses a lock that is never written while its time stands still', async () => {
    await mkdir(path, { recursive: true });
    await writeFile(lock, '');
    await expect(openFolder(new ShiftedClock(-3_600_000))).rejects.toThrow('is in use by "unknown"');
  }, 20_000);

  it('lets one of many take over', async () => {
    for (let round = 0; round < 10; round++) {
      await leaveLock({ startId: `boot/${round}` });
      const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => openFolder()));
      const refusals = outcomes.filter((outcome) => outcome.status === 'rejected');
      expect(refusals).toHaveLength(11);
      for (const { reason } of refusals) expect(String(reason)).toContain('is in use by "gate"');
      expect(await readdir(path)).toEqual(['lock']);
      await opened.pop()?.close();
    }
  });

  it('names the setting when the folder cannot be written', async () => {
    await writeFile(join(root, 'a'), 'a file');
    const error = await openFolder().catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(StartError);
    expect((error as StartError).exitCode).toBe(EXIT.config);
    expect((error as Error).message).toMatch(/cannot be used \(E[A-Z]+\)/);
    expect((error as Error).message).toContain('MCP_STATE_DIR');
  });

  it('does not hide a fault of its own', async () => {
    class BrokenClock extends ShiftedClock {
      override now(): number {
        throw new TypeError('broken');
      }
    }
    await expect(openFolder(new BrokenClock())).rejects.toThrow(TypeError);
  });
});
