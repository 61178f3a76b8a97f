import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ALLOWED, type RateOutcome } from './rate-outcome.js';
import { TokenBucket as Bucket } from './token-bucket.js';

/** A bucket of one rate, of which a run is taken wherever there is one. */
class TokenBucket {
  private readonly bucket: Bucket;

  constructor(
    private readonly perMinute: number,
    now: number,
  ) {
    this.bucket = new Bucket(now);
  }

  take(now: number): RateOutcome {
    const refusal = this.bucket.refusal(this.perMinute, now);
    if (refusal) return refusal;
    this.bucket.spend();
    return ALLOWED;
  }
}

const MINUTE = 60_000;
const rates = fc.integer({ min: 1, max: 10_000 });
const steps = fc.array(
  fc.oneof(
    { arbitrary: fc.constant(0), weight: 4 },
    { arbitrary: fc.integer({ min: 1, max: 30 }), weight: 2 },
    { arbitrary: fc.integer({ min: 0, max: 70_000 }), weight: 1 },
  ),
  { minLength: 1, maxLength: 300 },
);

/** The same rule in whole numbers: a run costs a minute, and each millisecond brings `perMinute`. */
class Oracle {
  private saved: number;
  private last = 0;

  constructor(private readonly perMinute: number) {
    this.saved = perMinute * MINUTE;
  }

  take(now: number): boolean {
    this.saved = Math.min(this.perMinute * MINUTE, this.saved + (now - this.last) * this.perMinute);
    this.last = now;
    if (this.saved < MINUTE) return false;
    this.saved -= MINUTE;
    return true;
  }
}

describe('TokenBucket', () => {
  it('K-10 lets through what whole numbers would', () => {
    fc.assert(
      fc.property(rates, steps, (perMinute, pauses) => {
        const bucket = new TokenBucket(perMinute, 0);
        const oracle = new Oracle(perMinute);
        let now = 0;
        for (const pause of pauses) {
          now += pause;
          expect(bucket.take(now).isAllowed).toBe(oracle.take(now));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('K-11 says how long to wait: that long lets one through, a millisecond less does not', () => {
    fc.assert(
      fc.property(rates, fc.nat(MINUTE), fc.nat(500), (perMinute, from, pause) => {
        const emptied = (): TokenBucket => {
          const bucket = new TokenBucket(perMinute, from);
          for (let i = 0; i < perMinute; i++) bucket.take(from);
          return bucket;
        };
        const bucket = emptied();
        const now = from + pause;
        let outcome = bucket.take(now);
        let taken = 0;
        while (outcome.isAllowed && taken++ < perMinute) outcome = bucket.take(now);
        if (outcome.isAllowed) throw new Error('It is never empty');
        const { retryAfterMs } = outcome;
        const again = (at: number): boolean => {
          const copy = emptied();
          for (let i = 0; i < taken; i++) copy.take(now);
          return copy.take(at).isAllowed;
        };
        expect(retryAfterMs).toBeGreaterThanOrEqual(1);
        expect(again(now + retryAfterMs)).toBe(true);
        expect(again(now + retryAfterMs - 1)).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it('S4-33 takes 10 runs at once, then one every 6 s, and is full again after a minute', () => {
    const bucket = new TokenBucket(10, 1_000);
    const refused = (retryAfterMs: number) => ({ isAllowed: false, retryAfterMs, limit: 10, windowMs: 60_000 });
    for (let i = 0; i < 10; i++) expect(bucket.take(1_000)).toEqual({ isAllowed: true });
    expect(bucket.take(1_000)).toEqual(refused(6_000));
    expect(bucket.take(3_000)).toEqual(refused(4_000));
    expect(bucket.take(7_000)).toEqual({ isAllowed: true });
    expect(bucket.take(7_000)).toEqual(refused(6_000));
    for (let i = 0; i < 10; i++) expect(bucket.take(500_000)).toEqual({ isAllowed: true });
    expect(bucket.take(500_000).isAllowed).toBe(false);
  });

  it('gives a whole number of milliseconds at fractions of the clock', () => {
    const bucket = new TokenBucket(7, 0.25);
    for (let i = 0; i < 7; i++) bucket.take(0.5);
    const outcome = bucket.take(1.625);
    if (outcome.isAllowed) throw new Error('It is empty');
    expect(Number.isInteger(outcome.retryAfterMs)).toBe(true);
    expect(bucket.take(1.625 + outcome.retryAfterMs).isAllowed).toBe(true);
  });

  it('S4-38 counts what was taken under a rate that is raised, at once', () => {
    const bucket = new Bucket(0);
    expect(bucket.view(10, 0)).toEqual({ limit: 10, windowMs: 60_000, used: 0, retryAfterMs: 0 });
    for (let i = 0; i < 10; i++) bucket.spend();
    expect(bucket.view(10, 0)).toEqual({ limit: 10, windowMs: 60_000, used: 10, retryAfterMs: 6_000 });
    expect(bucket.view(60, 0)).toEqual({ limit: 60, windowMs: 60_000, used: 10, retryAfterMs: 0 });
    expect(bucket.view(60, 1_000)).toMatchObject({ used: 9 });
    expect(bucket.view(1, 600_000)).toMatchObject({ limit: 1, used: 0 });
  });

  it('S4-38 counts what was taken under a rate that is lowered, and has nobody wait for it longer than a minute', () => {
    const bucket = new Bucket(0);
    bucket.view(600, 0);
    for (let i = 0; i < 600; i++) bucket.spend();
    // 598 runs come back ten a second, and then one every 30 s.
    expect(bucket.view(2, 0)).toEqual({ limit: 2, windowMs: 60_000, used: 600, retryAfterMs: 59_800 + 30_000 });
    expect(bucket.view(2, 30_000)).toMatchObject({ used: 300, retryAfterMs: 29_800 + 30_000 });
    expect(bucket.refusal(2, 89_799)).toMatchObject({ retryAfterMs: 1 });
    expect(bucket.refusal(2, 89_800)).toBeUndefined();
  });

  it('lets nobody take more by changing to and fro than the highest rate gives', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(1, 3, 10), { maxLength: 400 }), fc.nat(2_000), (changes, pause) => {
        const bucket = new Bucket(0);
        let taken = 0;
        let now = 0;
        for (const perMinute of changes) {
          now += pause;
          while (!bucket.refusal(perMinute, now)) {
            bucket.spend();
            taken += 1;
          }
        }
        expect(taken).toBeLessThanOrEqual(10 + (now * 10) / MINUTE);
      }),
    );
  });

  it('S4-33 is idle once it is full again', () => {
    const bucket = new Bucket(0);
    expect(bucket.isIdle(0)).toBe(true);
    bucket.refusal(2, 0);
    bucket.spend();
    expect([bucket.isIdle(29_999), bucket.isIdle(30_000)]).toEqual([false, true]);
    // Asking whether it is idle fills nothing that its rate would not.
    const unused = new Bucket(0);
    unused.isIdle(0);
    for (let i = 0; i < 10; i++) {
      expect(unused.refusal(10, 0)).toBeUndefined();
      unused.spend();
    }
  });
});
