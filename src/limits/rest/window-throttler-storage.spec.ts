import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { AppConfig } from '../../config/index.js';
import { WindowThrottlerStorage } from './window-throttler-storage.js';

describe('WindowThrottlerStorage', () => {
  it('counts no more than the limit in any window, and gives the wait in whole seconds', async () => {
    const clock = new FakeClock();
    const storage = new WindowThrottlerStorage(AppConfig.of(), clock);
    const hit = async (key: string): Promise<boolean> => !(await storage.increment(key, 10_000, 2)).isBlocked;
    expect([await hit('a'), await hit('a'), await hit('a'), await hit('b')]).toEqual([true, true, false, true]);
    clock.advance(2_500);
    expect(await storage.increment('a', 10_000, 2)).toEqual({
      totalHits: 2,
      timeToExpire: 10,
      isBlocked: true,
      timeToBlockExpire: 8,
    });
    clock.advance(7_499);
    expect(await hit('a')).toBe(false);
    clock.advance(1);
    expect(await hit('a')).toBe(true);
  });

  it('S4-38 counts what was taken under another limit, and begins anew in windows of another length', async () => {
    const storage = new WindowThrottlerStorage(AppConfig.of(), new FakeClock());
    const hit = async (ttl: number, limit: number): Promise<boolean> =>
      !(await storage.increment('a', ttl, limit)).isBlocked;
    expect([await hit(10_000, 1), await hit(10_000, 1), await hit(10_000, 2), await hit(10_000, 2)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect([await hit(5_000, 1), await hit(5_000, 1)]).toEqual([true, false]);
  });

  it('W-13 remembers no more keys than it may', async () => {
    const storage = new WindowThrottlerStorage(AppConfig.of({ rate: { maxClients: 100 } }), new FakeClock());
    await storage.increment('a', 1_000, 2);
    for (let i = 0; i < 100; i++) await storage.increment(`key ${i}`, 1_000, 2);
    expect((await storage.increment('a', 1_000, 2)).totalHits).toBe(1);
  });
});
