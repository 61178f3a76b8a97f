import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { FakeClock } from '../../test/support/fake-clock.js';
import { AuditFile } from './audit-file.js';
import type { AuditEntry, AuditHead } from './audit-log.js';
import { AuditSink, DirectAuditSink } from './audit-sink.js';
import { verifyAudit } from './audit-verifier.js';
import { FileAuditLog } from './file-audit-log.js';

let folder: string;
let path: string;
let clock: FakeClock;
let said: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatehouse-audit-'));
  path = join(folder, 'audit.jsonl');
  clock = new FakeClock(1_000);
  said = [];
  for (const level of ['log', 'error'] as const) {
    jest.spyOn(Logger.prototype, level).mockImplementation((message: unknown) => void said.push(String(message)));
  }
});

afterEach(async () => {
  jest.useRealTimers();
  jest.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const settings = { required: false, starts: false, keepArguments: 'digest' } as const;

const toFile = (more: Partial<ConstructorParameters<typeof FileAuditLog>[1]> = {}): FileAuditLog => {
  const options = { path, maxBytes: 10_000_000, backupCount: 5, run: 'aa', salt: 's', isSynced: false };
  const file = new AuditFile({ ...options, keepArguments: more.keepArguments === 'redacted' ? 'redacted' : 'digest' });
  return new FileAuditLog(new DirectAuditSink(file), { ...settings, ...more }, clock);
};

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

const recordsOf = async (type?: string): Promise<Record<string, unknown>[]> =>
  (await readFile(path, 'utf8'))
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((record) => type === undefined || record['type'] === type);

/** A disk that the test owns: batches wait until it says how they end. */
class SlowSink extends AuditSink {
  readonly batches: string[] = [];
  private settle: ((error?: Error) => void)[] = [];

  override write(batch: string): Promise<AuditHead> {
    this.batches.push(batch);
    return new Promise((resolve, reject) => {
      this.settle.push((error) => (error ? reject(error) : resolve({ seq: this.batches.length, hash: 'h' })));
    });
  }

  override async close(): Promise<void> {
    return undefined;
  }

  /** Ends the batch that is being written, or is about to be. */
  async end(error?: Error): Promise<void> {
    for (let i = 0; i < 5 && this.settle.length === 0; i++) await Promise.resolve();
    this.settle.shift()?.(error);
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }

  get lines(): number[] {
    return this.batches.map((batch) => batch.split('\n').length - 1);
  }
}

describe('FileAuditLog', () => {
  it('writes one record for each call, with the time of the call', async () => {
    const log = toFile();
    await log.onModuleInit();
    log.record(entry());
    clock.advance(5);
    log.record(entry({ session: undefined, outcome: 'timeout', kind: 'timeout', durationMs: 0, credentialId: 'k"1' }));
    await log.onApplicationShutdown();
    const records = await recordsOf();
    expect(records.map(({ type }) => type)).toEqual(['start', 'call', 'call', 'end']);
    const { hash: _hash, ...first } = records[1] as Record<string, unknown>;
    expect(first).toEqual({
      seq: 2,
      time: 1_000,
      type: 'call',
      requestId: 'req-1',
      door: 'http',
      principal: 'iss/sub',
      session: 'abcd',
      target: 'tool:echo',
      outcome: 'success',
      durationMs: 1.235,
    });
    expect(records[2]).toMatchObject({ time: 1_005, credentialId: 'k"1', outcome: 'timeout', kind: 'timeout' });
    expect(records[2]).not.toHaveProperty('session');
    expect(await verifyAudit(path)).toMatchObject({ records: 4, fault: undefined });
  });

  it('writes what operators do', async () => {
    const log = toFile();
    await log.onModuleInit();
    log.recordAdmin({
      principal: 'iss/root',
      action: 'tool.disable',
      target: 'tool:nmap',
      outcome: 'success',
      details: { reason: 'a "b"\nc', untilMs: 5, none: undefined },
      requestId: 'req-2',
    });
    await log.onApplicationShutdown();
    expect(await recordsOf('admin')).toMatchObject([
      {
        time: 1_000,
        principal: 'iss/root',
        action: 'tool.disable',
        target: 'tool:nmap',
        outcome: 'success',
        details: { reason: 'a "b"\nc', untilMs: 5 },
        requestId: 'req-2',
      },
    ]);
  });

  it('W-38 is JSON, one line each, on one chain, whatever a caller, a target or an argument is called', async () => {
    const texts = fc.string({ unit: 'binary', maxLength: 30 });
    const entries = fc.array(
      fc.record({
        principal: texts,
        target: texts,
        credentialId: texts,
        text: texts,
        durationMs: fc.double({ min: 0, max: 1e12, noNaN: true }),
      }),
      { minLength: 1, maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(entries, async (given) => {
        await rm(path, { force: true });
        const log = toFile({ keepArguments: 'redacted' });
        await log.onModuleInit();
        for (const { text, ...more } of given) log.record(entry({ ...more, args: JSON.stringify({ text }) }));
        await log.onApplicationShutdown();
        // A lone surrogate is no text that UTF-8 can hold: JSON escapes it, so that it comes back as it was.
        expect(await recordsOf('call')).toMatchObject(
          given.map(({ principal, target, credentialId, text }) => ({
            principal,
            target,
            credentialId,
            args: { text },
          })),
        );
        expect((await verifyAudit(path)).fault).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });

  it('K-36 loses nothing at shutdown, however much there is', async () => {
    const log = toFile();
    await log.onModuleInit();
    for (let i = 0; i < 5_000; i++) log.record(entry({ requestId: `req-${i}` }));
    await log.onApplicationShutdown();
    const records = await recordsOf('call');
    expect(records.map(({ requestId }) => requestId)).toEqual(Array.from({ length: 5_000 }, (_, i) => `req-${i}`));
    expect((await verifyAudit(path)).fault).toBeUndefined();
  });

  it('writes what waits every 100 ms, and nothing where nothing waits', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const sink = new SlowSink();
    const log = new FileAuditLog(sink, settings, clock);
    const opening = log.onModuleInit();
    await sink.end();
    await opening;
    log.record(entry());
    jest.advanceTimersByTime(99);
    expect(sink.batches).toEqual(['']);
    jest.advanceTimersByTime(1);
    expect(sink.lines).toEqual([0, 1]);
    await sink.end();
    jest.advanceTimersByTime(1_000);
    expect(sink.lines).toEqual([0, 1]);
    const ending = log.onApplicationShutdown();
    await sink.end();
    await sink.end();
    await ending;
    expect(jest.getTimerCount()).toBe(0);
    expect(sink.batches.at(-1)).toContain('"type":"end"');
  });

  it('writes at once when 64 KiB wait, and one batch at a time', async () => {
    const sink = new SlowSink();
    const log = new FileAuditLog(sink, settings, clock);
    const long = entry({ principal: 'x'.repeat(33_000) });
    log.record(long);
    expect(sink.lines).toEqual([]);
    log.record(long);
    expect(sink.lines).toEqual([2]);
    for (let i = 0; i < 6; i++) log.record(long);
    expect(sink.lines).toEqual([2]);
    await sink.end();
    expect(sink.lines).toEqual([2, 6]);
  });

  it('keeps what could not be written, tries again each second, and loses and doubles nothing', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const sink = new SlowSink();
    const log = new FileAuditLog(sink, settings, clock);
    const opening = log.onModuleInit();
    await sink.end(new Error('ENOSPC: no space left on device'));
    await opening;
    expect(said).toEqual([
      'The audit log cannot be written, records wait until it can: ENOSPC: no space left on device',
    ]);
    expect([log.isAvailable, log.status()]).toEqual([
      true,
      { isWritable: false, waiting: 0, lost: 0, head: undefined },
    ]);
    log.record(entry({ requestId: 'req-1' }));
    jest.advanceTimersByTime(900);
    clock.advance(900);
    expect(sink.lines).toEqual([0]);
    clock.advance(100);
    jest.advanceTimersByTime(100);
    log.record(entry({ requestId: 'req-2' }));
    await sink.end(new Error('ENOSPC'));
    clock.advance(1_000);
    jest.advanceTimersByTime(1_000);
    await sink.end();
    expect(sink.lines).toEqual([0, 1, 2]);
    expect(sink.batches.at(-1)).toMatch(/req-1.*\n.*req-2/);
    expect([log.status().isWritable, said.slice(1)]).toEqual([true, ['The audit log is written again']]);
  });

  it('refuses calls while it is required and cannot be written, and no longer', async () => {
    const sink = new SlowSink();
    const log = new FileAuditLog(sink, { ...settings, required: true, keepArguments: 'none' }, clock);
    const opening = log.onModuleInit();
    await sink.end(new Error('EACCES: permission denied'));
    await opening;
    expect([log.isAvailable, said]).toEqual([
      false,
      ['The audit log cannot be written, calls are refused until it can: EACCES: permission denied'],
    ]);
    clock.advance(1_000);
    log.record(entry({ principal: 'x'.repeat(70_000) }));
    await sink.end();
    expect(log.isAvailable).toBe(true);
  });

  it('counts what waits too long, and writes down how many records are lost', async () => {
    const sink = new SlowSink();
    const log = new FileAuditLog(sink, settings, clock);
    const opening = log.onModuleInit();
    await sink.end(new Error('x'));
    await opening;
    for (let i = 0; i < 20; i++) log.record(entry({ principal: 'x'.repeat(1_000_000) }));
    expect(log.status().lost).toBe(4);
    expect(log.status().waiting).toBeLessThan(16_777_216);
    clock.advance(1_000);
    log.record(entry());
    await sink.end();
    const ending = log.onApplicationShutdown();
    await sink.end();
    await ending;
    expect(sink.batches.at(-1)).toContain('"type":"lost","records":4');
  });

  it('says how many records are not written when it ends with the file out of reach', async () => {
    const sink = new SlowSink();
    const log = new FileAuditLog(sink, settings, clock);
    log.record(entry());
    const ending = log.onApplicationShutdown();
    await sink.end(new Error('EIO'));
    await ending;
    expect(said.at(-1)).toBe('The audit log ends with records that were not written: 2');
  });

  it('keeps of arguments what the setting says, as they were before the call', () => {
    const secrets = { pin: true } as const;
    const args = { city: 'Oslo', pin: '1234' };
    const kept = (keepArguments: 'none' | 'digest' | 'redacted', given: unknown): string | undefined =>
      new FileAuditLog(new SlowSink(), { ...settings, keepArguments }, clock).keep(given, secrets);
    expect(kept('none', args)).toBeUndefined();
    expect(kept('digest', args)).toBe('{"city":"Oslo","pin":"1234"}');
    expect(kept('redacted', args)).toBe('{"city":"Oslo","pin":"***REDACTED***"}');
    expect(kept('digest', undefined)).toBeUndefined();
  });
});
