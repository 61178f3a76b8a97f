import { Injectable } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { Clock } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { LruMap } from '../lru-map.js';
import { SlidingWindow } from '../sliding-window.js';

const MS_PER_SEC = 1_000;

/**
 * Storage of `@nestjs/throttler` over the windows that also count messages: O(1) for each hit, no timer, bounded. What is
 * over the limit waits for the window alone: there is no block on top of it.
 */
@Injectable()
export class WindowThrottlerStorage implements ThrottlerStorage {
  private readonly windows: LruMap<SlidingWindow>;

  constructor(
    { rate }: AppConfig,
    private readonly clock: Clock,
  ) {
    this.windows = new LruMap<SlidingWindow>(rate.maxClients, (window) => window.isIdle(this.clock.monotonic()));
  }

  /**
   * @param ttl length of the window, ms
   * @returns times in whole seconds, as the guard's headers have them, rounded up
   */
  async increment(key: string, ttl: number, limit: number): ReturnType<ThrottlerStorage['increment']> {
    const now = this.clock.monotonic();
    // Windows of another length begin anew.
    const window = this.windows.use(`${ttl} ${key}`, () => new SlidingWindow(limit, ttl));
    const outcome = window.take(now, limit);
    return {
      totalHits: window.view(now).used,
      timeToExpire: Math.ceil(ttl / MS_PER_SEC),
      isBlocked: !outcome.isAllowed,
      timeToBlockExpire: outcome.isAllowed ? 0 : Math.ceil(outcome.retryAfterMs / MS_PER_SEC),
    };
  }
}
