import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { FakeClock } from '../../test/support/fake-clock.js';
import { MemoryCounters, SwitchedHealth } from '../../test/support/shared-memory.js';
import { AppConfig, type ConfigOverrides } from '../config/index.js';
import { MemoryAddressBlocks } from './address-blocks.js';
import { MemoryRateLimiter, type RunLimit } from './rate-limiter.js';
import { RateRules } from './rate-rules.js';
import { RateTerms } from './rate-terms.js';
import { RateViolations } from './rate-violations.js';
import { SharedRateLimiter } from './shared-rate-limiter.js';

const WINDOW_MS = 60_000;

let clock: FakeClock;
let health: SwitchedHealth;
let counters: MemoryCounters;

beforeEach(() => {
  clock = new FakeClock();
  health = new SwitchedHealth();
  counters = new MemoryCounters(clock, health);
});

/** One replica of three. */
function replica(rate: ConfigOverrides['rate'] = {}, block: ConfigOverrides['block'] = {}): SharedRateLimiter {
  const config = AppConfig.of({ rate, block });
  const rules = new RateRules();
  const violations = new RateViolations(config, new MemoryAddressBlocks(clock));
  const portionOf = (limit: number): number => Math.max(1, Math.floor(limit / 3));
  const local = new MemoryRateLimiter(config, clock, rules, violations, portionOf);
  return new SharedRateLimiter({ counters, health, local, terms: new RateTerms(config, rules), violations, clock });
}
const three = (rate: ConfigOverrides['rate'] = {}): SharedRateLimiter[] => [1, 2, 3].map(() => replica(rate));
const runs = (name: string, runsPerMinute?: number, totalRunsPerMinute?: number): RunLimit => ({
  kind: 'tool',
  name,
  label: `tool:${name}`,
  runsPerMinute,
  totalRunsPerMinute,
});

async function allowed(replicas: readonly SharedRateLimiter[], times: number, caller = 'a'): Promise<number> {
  const answers = Array.from({ length: times }, (_, i) =>
    Promise.resolve(replicas[i % replicas.length]?.takeMessage(caller)),
  );
  return (await Promise.all(answers)).filter((answer) => answer?.isAllowed).length;
}

describe('SharedRateLimiter', () => {
  it('K-9 counts the messages of a caller at all replicas together, and says when there is room', async () => {
    const replicas = three();
    expect(await allowed(replicas, 150)).toBe(100);
    expect(await allowed(replicas, 10, 'b')).toBe(10);
    clock.advance(59_000);
    expect(await replicas[1]?.takeMessage('a')).toEqual({
      isAllowed: false,
      retryAfterMs: 1_000,
      limit: 100,
      windowMs: WINDOW_MS,
    });
    clock.advance(1_000);
    expect(await allowed(replicas, 150)).toBe(100);
  });

  it('asks once for a hundredth of the limit, and gives that out by itself', async () => {
    const one = replica({ maxMessages: 10_000 });
    expect(await one.takeMessage('a')).toEqual({ isAllowed: true });
    for (let i = 1; i < 100; i++) expect(one.takeMessage('a')).toEqual({ isAllowed: true });
    expect(counters.asked).toBe(1);
    expect(one.takeMessage('a')).toBeInstanceOf(Promise);
    expect(counters.asked).toBe(2);
  });

  it('asks once for all that come at once', async () => {
    const one = replica({ maxMessages: 40 });
    expect(await allowed([one], 40)).toBe(40);
    expect(counters.asked).toBeLessThanOrEqual(2);
  });

  it('believes a refusal for a second, so that a flood asks nobody', async () => {
    const one = replica({ maxMessages: 1 });
    await allowed([one], 2);
    const asked = counters.asked;
    for (let i = 0; i < 50; i++) expect(one.takeMessage('a')).toMatchObject({ isAllowed: false });
    expect(counters.asked).toBe(asked);
    clock.advance(1_000);
    await one.takeMessage('a');
    expect(counters.asked).toBe(asked + 1);
  });

  it('gives back what it did not use, so that a slow caller gets all of its limit', async () => {
    const replicas = three({ maxMessages: 1_000 });
    // One message each second goes to each replica in turn: each takes ten at once, and uses few.
    for (let i = 0; i < 600; i++) {
      expect(await replicas[i % 3]?.takeMessage('a')).toEqual({ isAllowed: true });
      clock.advance(300);
    }
  });

  it('S4-33 empties the bucket of a tool at all replicas together, of one caller and of all', async () => {
    const replicas = three();
    const take = (i: number, caller: string, limit: RunLimit) => replicas[i % 3]?.takeRun(caller, limit);
    for (let i = 0; i < 4; i++) expect(await take(i, 'a', runs('nmap', 4, 5))).toEqual({ isAllowed: true });
    expect(await take(1, 'a', runs('nmap', 4, 5))).toEqual({
      isAllowed: false,
      retryAfterMs: 15_000,
      limit: 4,
      windowMs: WINDOW_MS,
    });
    expect(await take(2, 'b', runs('nmap', 4, 5))).toEqual({ isAllowed: true });
    // Refused by all callers together, it takes nothing of its own.
    expect(await take(0, 'b', runs('nmap', 4, 5))).toMatchObject({ isAllowed: false, isTotal: true, limit: 5 });
    expect((await replicas[1]?.viewRuns('b', runs('nmap', 4, 5)))?.ofCaller).toMatchObject({ used: 1, limit: 4 });
    expect(replicas[0]?.takeRun('a', runs('free'))).toEqual({ isAllowed: true });
  });

  it('S2-15 counts connections of an address at all replicas, and notes who goes on and on', async () => {
    const replicas = [1, 2, 3].map(() => replica({ maxConnections: 3 }));
    const outcomes = await Promise.all(replicas.map((one) => Promise.resolve(one.takeConnection('192.0.2.1'))));
    expect(outcomes).toEqual(Array(3).fill({ isAllowed: true }));
    expect(await replicas[0]?.takeConnection('192.0.2.1')).toMatchObject({ isAllowed: false });
    expect(await replicas[0]?.takeConnection('192.0.2.2')).toEqual({ isAllowed: true });
  });

  it('shows what was used anywhere, and who is over a share of it', async () => {
    const [one, two] = three({ maxMessages: 10 }) as [SharedRateLimiter, SharedRateLimiter];
    await allowed([one], 6);
    await two.takeMessage('b');
    expect(await two.viewMessages('a')).toEqual({ limit: 10, windowMs: WINDOW_MS, used: 6, retryAfterMs: 0 });
    expect([one.callersOver(0.5), two.callersOver(0.5)]).toEqual([1, 0]);
    expect(one.trackedKeys()).toEqual({ messages: 1, connections: 0, runs: 0 });
    clock.advance(WINDOW_MS);
    expect(one.callersOver(0.5)).toBe(0);
  });

  it('D-23 counts its portion by itself while the store is out of reach, and says so once', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const one = replica({ maxMessages: 9 });
    await one.takeMessage('a');
    health.become('down');
    expect(await allowed([one], 20)).toBe(3);
    expect(await one.takeRun('a', runs('nmap', 3))).toEqual({ isAllowed: true });
    expect(await one.takeRun('a', runs('nmap', 3))).toMatchObject({ isAllowed: false, limit: 1 });
    expect(await one.viewMessages('a')).toMatchObject({ limit: 3, used: 3 });
    expect(await one.viewRuns('a', runs('nmap', 3))).toMatchObject({ ofCaller: { limit: 1, used: 1 } });
    expect(await one.takeConnection('192.0.2.1')).toEqual({ isAllowed: true });
    expect(one.callersOver(0.5)).toBe(1);
    expect(warn).toHaveBeenCalledTimes(1);
    health.become('up');
    expect(await allowed([one], 20)).toBe(8);
    health.become('down');
    await one.takeMessage('a');
    expect(warn).toHaveBeenCalledTimes(2);
    warn.mockRestore();
  });

  it('D-23 counts by itself where the store is lost in the middle of a question', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const one = replica({ maxMessages: 3 });
    const lost = new Error('broken');
    jest.spyOn(counters, 'takePermits').mockRejectedValueOnce(lost);
    await expect(one.takeMessage('a')).rejects.toBe(lost);
    health.become('down');
    const state = jest.spyOn(health, 'state', 'get').mockReturnValueOnce('up');
    expect(await one.takeMessage('a')).toEqual({ isAllowed: true });
    state.mockRestore();
    warn.mockRestore();
  });

  it('counts nothing where limits are off', async () => {
    const one = replica({ enabled: false });
    expect([one.takeMessage('a'), one.takeConnection('x'), one.takeRun('a', runs('t', 1))]).toEqual(
      Array(3).fill({ isAllowed: true }),
    );
    expect([await one.viewMessages('a'), await one.viewRuns('a', runs('t', 1))]).toEqual([
      undefined,
      { ofCaller: undefined, total: undefined },
    ]);
    expect(counters.asked).toBe(0);
  });

  it('K-10 never lets more than the limit through in any window, whatever comes where and when', async () => {
    const steps = fc.array(
      fc.record({
        at: fc.nat(2),
        messages: fc.integer({ min: 1, max: 60 }),
        pauseMs: fc.oneof(fc.nat(2_000), fc.nat(WINDOW_MS)),
      }),
      { minLength: 1, maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 450 }), async (taken, maxMessages) => {
        counters = new MemoryCounters(clock, health);
        const replicas = three({ maxMessages });
        const passed: number[] = [];
        for (const { at, messages, pauseMs } of taken) {
          const count = await allowed([replicas[at] as SharedRateLimiter], messages);
          for (let i = 0; i < count; i++) passed.push(clock.monotonic());
          const inWindow = passed.filter((time) => time > clock.monotonic() - WINDOW_MS).length;
          expect(inWindow).toBeLessThanOrEqual(maxMessages);
          clock.advance(pauseMs);
        }
        // And whoever waits long enough gets in again.
        clock.advance(2 * WINDOW_MS);
        expect(await allowed(replicas, 1)).toBe(1);
      }),
      { numRuns: 200 },
    );
  });
});
