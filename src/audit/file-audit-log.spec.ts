import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { FakeClock } from '../../test/support/fake-clock.js';
import type { AuditEntry } from './audit-log.js';
import { FileAuditLog } from './file-audit-log.js';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-audit-'));
  path = join(folder, 'audit.jsonl');
});

afterEach(async () => {
  jest.useRealTimers();
  jest.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const entry = (more: Partial<AuditEntry> = {}): AuditEntry => ({
  requestId: 'req-1',
  door: 'http',
  principal: 'iss/sub',
  session: 'abcd',
  target: 'tool:echo',
  outcome: 'success',
  kind: undefined,
  durationMs: 1.23456,
  ...more,
});

const linesOf = async (): Promise<unknown[]> =>
  (await readFile(path, 'utf8'))
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);

describe('FileAuditLog', () => {
  it('writes one JSON object a line, with the time of the call', async () => {
    const clock = new FakeClock(1_000);
    const log = new FileAuditLog(path, clock);
    log.record(entry());
    clock.advance(5);
    log.record(entry({ session: undefined, outcome: 'timeout', kind: 'timeout', durationMs: 0 }));
    await log.onApplicationShutdown();
    expect(await linesOf()).toEqual([
      {
        time: 1_000,
        requestId: 'req-1',
        door: 'http',
        principal: 'iss/sub',
        session: 'abcd',
        target: 'tool:echo',
        outcome: 'success',
        durationMs: 1.235,
      },
      {
        time: 1_005,
        requestId: 'req-1',
        door: 'http',
        principal: 'iss/sub',
        target: 'tool:echo',
        outcome: 'timeout',
        kind: 'timeout',
        durationMs: 0,
      },
    ]);
  });

  it('is JSON, one line each, whatever a caller or a target is called', async () => {
    const texts = fc.string({ unit: 'binary', maxLength: 30 });
    const entries = fc.array(
      fc.record({ principal: texts, target: texts, durationMs: fc.double({ min: 0, max: 1e12, noNaN: true }) }),
      { minLength: 1, maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(entries, async (given) => {
        await rm(path, { force: true });
        const log = new FileAuditLog(path, new FakeClock());
        for (const more of given) log.record(entry(more));
        await log.onApplicationShutdown();
        // A lone surrogate is no text that UTF-8 can hold: JSON escapes it, so that it comes back as it was.
        expect(await linesOf()).toMatchObject(given.map(({ principal, target }) => ({ principal, target })));
      }),
      { numRuns: 50 },
    );
  });

  it('K-36 loses nothing at shutdown, however much there is', async () => {
    const log = new FileAuditLog(path, new FakeClock());
    for (let i = 0; i < 5_000; i++) log.record(entry({ requestId: `req-${i}` }));
    await log.onApplicationShutdown();
    const lines = (await linesOf()) as AuditEntry[];
    expect(lines.map(({ requestId }) => requestId)).toEqual(Array.from({ length: 5_000 }, (_, i) => `req-${i}`));
  });

  it('appends to what is there, for its owner only', async () => {
    for (const requestId of ['req-1', 'req-2']) {
      const log = new FileAuditLog(path, new FakeClock());
      log.record(entry({ requestId }));
      await log.onApplicationShutdown();
    }
    expect(await linesOf()).toMatchObject([{ requestId: 'req-1' }, { requestId: 'req-2' }]);
    if (process.platform !== 'win32') expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('writes what waits every 100 ms, and nothing where nothing waits', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const log = new FileAuditLog(path, new FakeClock());
    const write = jest.spyOn((log as unknown as { file: { write(text: string): boolean } }).file, 'write');
    log.record(entry());
    jest.advanceTimersByTime(99);
    expect(write).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(write).toHaveBeenCalledTimes(1);
    jest.advanceTimersByTime(1_000);
    expect(write).toHaveBeenCalledTimes(1);
    await log.onApplicationShutdown();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('writes at once when 64 KiB wait', () => {
    const log = new FileAuditLog(path, new FakeClock());
    const write = jest.spyOn((log as unknown as { file: { write(text: string): boolean } }).file, 'write');
    log.record(entry({ principal: 'x'.repeat(65_000) }));
    expect(write).not.toHaveBeenCalled();
    log.record(entry({ principal: 'x'.repeat(1_000) }));
    expect(write).toHaveBeenCalledTimes(1);
    return log.onApplicationShutdown();
  });

  it('says when the file cannot be written, and ends all the same', async () => {
    await writeFile(path, 'no folder');
    const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    const log = new FileAuditLog(join(path, 'audit.jsonl'), new FakeClock());
    log.record(entry());
    await log.onApplicationShutdown();
    expect(error).toHaveBeenCalledWith(expect.stringMatching(/^The audit file cannot be written: ENOTDIR/));
  });
});
