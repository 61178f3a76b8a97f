import { beforeEach, describe, expect, it } from '@jest/globals';
import { FakeClock } from '../../test/support/fake-clock.js';
import { AppConfig, type ConfigOverrides } from '../config/index.js';
import { MemoryRateLimiter } from './rate-limiter.js';

let clock: FakeClock;
const limiter = (rate: ConfigOverrides['rate'] = {}): MemoryRateLimiter =>
  new MemoryRateLimiter(AppConfig.of({ rate }), clock);

beforeEach(() => {
  clock = new FakeClock();
});

describe('MemoryRateLimiter', () => {
  it('K-9 counts 100 messages in 60 s for each caller by itself', () => {
    const rates = limiter();
    for (let i = 0; i < 100; i++) expect(rates.takeMessage('a').isAllowed).toBe(true);
    expect(rates.takeMessage('a')).toEqual({ isAllowed: false, retryAfterMs: 60_000 });
    expect(rates.takeMessage('b').isAllowed).toBe(true);
    clock.advance(59_999);
    expect(rates.takeMessage('a')).toEqual({ isAllowed: false, retryAfterMs: 1 });
    clock.advance(1);
    expect(rates.takeMessage('a').isAllowed).toBe(true);
  });

  it('K-9 adds the burst, and takes the window of the settings', () => {
    const rates = limiter({ maxMessages: 2, burst: 1, windowMs: 1_000 });
    expect([1, 2, 3, 4].map(() => rates.takeMessage('a').isAllowed)).toEqual([true, true, true, false]);
    clock.advance(1_000);
    expect(rates.takeMessage('a').isAllowed).toBe(true);
  });

  it('K-9 counts runs by caller and tool, apart from messages', () => {
    const rates = limiter({ maxMessages: 1 });
    expect(rates.takeMessage('a').isAllowed).toBe(true);
    expect(rates.takeRun('a', 'nmap', 1).isAllowed).toBe(true);
    expect(rates.takeRun('a', 'nmap', 1)).toEqual({ isAllowed: false, retryAfterMs: 60_000 });
    expect(rates.takeRun('a', 'dig', 1).isAllowed).toBe(true);
    expect(rates.takeRun('b', 'nmap', 1).isAllowed).toBe(true);
    clock.advance(60_000);
    expect(rates.takeRun('a', 'nmap', 1).isAllowed).toBe(true);
  });

  it('tells how many runs are left, and takes none by that', () => {
    const rates = limiter();
    for (let i = 0; i < 3; i++) expect(rates.runsLeft('a', 'nmap', 2)).toBe(2);
    rates.takeRun('a', 'nmap', 2);
    expect([rates.runsLeft('a', 'nmap', 2), rates.runsLeft('b', 'nmap', 2)]).toEqual([1, 2]);
    rates.takeRun('a', 'nmap', 2);
    expect(rates.runsLeft('a', 'nmap', 2)).toBe(0);
    clock.advance(30_000);
    expect(rates.runsLeft('a', 'nmap', 2)).toBe(1);
    expect(limiter({ enabled: false }).runsLeft('a', 'nmap', 2)).toBe(2);
  });

  it('another rate is another bucket', () => {
    const rates = limiter();
    expect(rates.takeRun('a', 'nmap', 1).isAllowed).toBe(true);
    expect(rates.takeRun('a', 'nmap', 1).isAllowed).toBe(false);
    expect(rates.takeRun('a', 'nmap', 5).isAllowed).toBe(true);
  });

  it('S4-38 goes by the settings that hold now, and begins anew under others', () => {
    const settings = { ...AppConfig.of({ rate: { maxMessages: 1 } }) };
    const rates = new MemoryRateLimiter(settings, clock);
    expect([rates.takeMessage('a').isAllowed, rates.takeMessage('a').isAllowed]).toEqual([true, false]);
    Object.assign(settings, { rate: AppConfig.of({ rate: { maxMessages: 2 } }).rate });
    expect([1, 2, 3].map(() => rates.takeMessage('a').isAllowed)).toEqual([true, true, false]);
  });

  it('takes no caller and tool for those of another', () => {
    const rates = limiter();
    expect(rates.takeRun('b', 'a', 1).isAllowed).toBe(true);
    expect(rates.takeRun('a', 'b', 1).isAllowed).toBe(true);
    expect(rates.takeRun('', 'ab', 1).isAllowed).toBe(true);
  });

  it('counts nothing when it is switched off', () => {
    const rates = limiter({ enabled: false, maxMessages: 1 });
    for (let i = 0; i < 5; i++) {
      expect(rates.takeMessage('a').isAllowed).toBe(true);
      expect(rates.takeRun('a', 'nmap', 1).isAllowed).toBe(true);
    }
  });

  it('W-13 forgets the caller who was silent longest, and only that one', () => {
    const rates = limiter({ maxMessages: 1, maxClients: 100 });
    for (let i = 0; i < 100; i++) rates.takeMessage(`caller ${i}`);
    rates.takeMessage('caller 0');
    rates.takeMessage('one more');
    expect(rates.takeMessage('caller 0').isAllowed).toBe(false);
    expect(rates.takeMessage('caller 2').isAllowed).toBe(false);
    expect(rates.takeMessage('caller 1').isAllowed).toBe(true);
  });

  it('S0-15 tells how many callers have used more than a share of their limit, in the window up to now', () => {
    const rates = limiter({ maxMessages: 4 });
    for (const [caller, count] of [
      ['a', 3],
      ['b', 2],
      ['c', 6],
    ] as const) {
      for (let i = 0; i < count; i++) rates.takeMessage(caller);
    }
    expect([rates.callersOver(0.5), rates.callersOver(0), rates.callersOver(1)]).toEqual([2, 3, 0]);
    clock.advance(60_000);
    expect(rates.callersOver(0)).toBe(0);
    expect(rates.takeMessage('a').isAllowed).toBe(true);
  });
});
