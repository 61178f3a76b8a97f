import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BUCKETS_MS, PlainCallMeter } from './call-figures.js';

function meterOf(durations: readonly number[]): PlainCallMeter {
  const meter = new PlainCallMeter();
  for (const ms of durations) {
    meter.started();
    meter.finished('success', ms);
  }
  return meter;
}

describe('PlainCallMeter', () => {
  it('S4-44 knows nothing before the first call', () => {
    const { durations, recentFailureRate } = new PlainCallMeter();
    expect([durations.minMs, durations.maxMs, durations.quantileMs(0.5), recentFailureRate]).toEqual([0, 0, 0, 0]);
  });

  it('S4-44 has the shortest, the longest, and quantiles within a bucket of the true ones', () => {
    const times = fc.array(fc.double({ min: 0, max: 700_000, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(times, fc.constantFrom(0.5, 0.95, 0.99), (ms, share) => {
        const { durations } = meterOf(ms);
        const sorted = [...ms].sort((a, b) => a - b);
        const exact = sorted[Math.max(Math.ceil(share * ms.length) - 1, 0)] as number;
        const estimate = durations.quantileMs(share);
        const bucketOf = (value: number): number => BUCKETS_MS.findIndex((bound) => value <= bound);
        expect([durations.minMs, durations.maxMs]).toEqual([sorted[0], sorted.at(-1)]);
        expect(estimate).toBeGreaterThanOrEqual(durations.minMs);
        expect(estimate).toBeLessThanOrEqual(durations.maxMs);
        expect(Math.abs(bucketOf(estimate) - bucketOf(exact))).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('its buckets never shrink, and hold every call but those over the last bound', () => {
    const times = fc.array(fc.double({ min: 0, max: 1_000_000, noNaN: true }), { maxLength: 100 });
    fc.assert(
      fc.property(times, (ms) => {
        const { durations } = meterOf(ms);
        const { cumulative } = durations;
        expect([...cumulative].sort((a, b) => a - b)).toEqual(cumulative);
        expect(cumulative.at(-1)).toBe(ms.filter((value) => value <= 600_000).length);
      }),
    );
  });

  it('S4-44 the recent failure rate is that of the last 100 executions', () => {
    const meter = new PlainCallMeter();
    for (let i = 0; i < 100; i++) meter.finished('failure', 1, 'internal');
    expect(meter.recentFailureRate).toBe(1);
    for (let i = 0; i < 75; i++) meter.finished('success', 1);
    meter.finished('refused', 1, 'rate_limited');
    expect(meter.recentFailureRate).toBe(0.25);
  });
});
