import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SlidingWindow } from './sliding-window.js';

/** The same rule, told naively: how many of those let through lie in the window that ends now. */
class Oracle {
  private readonly passed: number[] = [];

  constructor(
    private readonly limit: number,
    private readonly windowMs: number,
  ) {}

  take(now: number): boolean {
    const isAllowed = this.passed.filter((at) => at > now - this.windowMs).length < this.limit;
    if (isAllowed) this.passed.push(now);
    return isAllowed;
  }
}

const limits = fc.integer({ min: 1, max: 40 });
const windows = fc.integer({ min: 1, max: 200 });
// Fractions as the clock of the machine gives them, many at the same moment, now and then a long silence.
const pauses = fc.array(
  fc.oneof(
    { arbitrary: fc.constant(0), weight: 3 },
    { arbitrary: fc.integer({ min: 0, max: 20 }), weight: 3 },
    { arbitrary: fc.integer({ min: 0, max: 4_000 }).map((n) => n / 64), weight: 2 },
    { arbitrary: fc.integer({ min: 100, max: 500 }), weight: 1 },
  ),
  { minLength: 1, maxLength: 300 },
);

function timesOf(steps: readonly number[], from = 0): number[] {
  let now = from;
  return steps.map((pause) => (now += pause));
}

describe('SlidingWindow', () => {
  it('K-10 lets through what an honest count would, while its ring grows', () => {
    fc.assert(
      fc.property(limits, windows, pauses, (limit, windowMs, steps) => {
        const window = new SlidingWindow(limit, windowMs);
        const oracle = new Oracle(limit, windowMs);
        for (const now of timesOf(steps)) expect(window.take(now).isAllowed).toBe(oracle.take(now));
      }),
      { numRuns: 300 },
    );
  });

  it('K-10 never lets more than the limit through in any window', () => {
    fc.assert(
      fc.property(limits, windows, pauses, (limit, windowMs, steps) => {
        const window = new SlidingWindow(limit, windowMs);
        const passed = timesOf(steps).filter((now) => window.take(now).isAllowed);
        passed.forEach((at, i) => {
          const after = passed[i + limit];
          if (after !== undefined) expect(after - at).toBeGreaterThanOrEqual(windowMs);
        });
      }),
      { numRuns: 300 },
    );
  });

  it('K-11 says how long to wait: that long lets one through, a millisecond less does not', () => {
    fc.assert(
      fc.property(limits, windows, pauses, (limit, windowMs, steps) => {
        const replay = (times: readonly number[]): SlidingWindow => {
          const window = new SlidingWindow(limit, windowMs);
          for (const at of times) window.take(at);
          return window;
        };
        const window = new SlidingWindow(limit, windowMs);
        const seen: number[] = [];
        for (const now of timesOf(steps)) {
          const outcome = window.take(now);
          seen.push(now);
          if (outcome.isAllowed) continue;
          const { retryAfterMs } = outcome;
          expect(Number.isInteger(retryAfterMs) && retryAfterMs >= 1 && retryAfterMs <= windowMs).toBe(true);
          expect(replay(seen).take(now + retryAfterMs - 1).isAllowed).toBe(false);
          expect(replay(seen).take(now + retryAfterMs).isAllowed).toBe(true);
          return;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('S0-12 takes 100 messages in 60 s, refuses number 101, and takes it after the window', () => {
    const window = new SlidingWindow(100, 60_000);
    const refused = (retryAfterMs: number) => ({ isAllowed: false, retryAfterMs, limit: 100, windowMs: 60_000 });
    for (let i = 0; i < 100; i++) expect(window.take(i * 10)).toEqual({ isAllowed: true });
    expect(window.take(1_000)).toEqual(refused(59_000));
    expect(window.take(59_999.5)).toEqual(refused(1));
    expect(window.take(60_000)).toEqual({ isAllowed: true });
    expect(window.take(60_000)).toEqual(refused(10));
  });

  it('does not count what it refused', () => {
    const window = new SlidingWindow(1, 1_000);
    window.take(0);
    for (let now = 1; now < 1_000; now++) expect(window.take(now).isAllowed).toBe(false);
    expect(window.take(1_000).isAllowed).toBe(true);
  });

  it('K-10 lets through what an honest count would, while its limit goes up and down', () => {
    const moves = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.nat(60)), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(limits, windows, moves, (first, windowMs, steps) => {
        const window = new SlidingWindow(first, windowMs);
        const passed: number[] = [];
        let now = 0;
        for (const [limit, pause] of steps) {
          now += pause;
          const used = passed.filter((at) => at > now - windowMs).length;
          expect(window.view(now, limit)).toMatchObject({ limit, windowMs, used });
          const { isAllowed } = window.take(now, limit);
          expect(isAllowed).toBe(used < limit);
          if (isAllowed) passed.push(now);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('tells how it stands without taking anything', () => {
    const window = new SlidingWindow(3, 1_000);
    for (const now of [0, 100, 200]) window.take(now);
    expect(window.view(300)).toEqual({ limit: 3, windowMs: 1_000, used: 3, retryAfterMs: 700 });
    expect(window.view(1_000)).toEqual({ limit: 3, windowMs: 1_000, used: 2, retryAfterMs: 0 });
    expect([window.usedShare(300), window.usedShare(1_150), window.usedShare(1_200)]).toEqual([1, 1 / 3, 0]);
  });

  it('S4-33 is idle once nothing of it counts any more', () => {
    const window = new SlidingWindow(3, 1_000);
    expect(window.isIdle(0)).toBe(true);
    window.take(0);
    window.take(500);
    expect([window.isIdle(1_499), window.isIdle(1_500)]).toEqual([false, true]);
  });
});
