import { Injectable } from '@nestjs/common';
import { Clock } from '../common/index.js';
import { LiveSettings } from '../config/index.js';
import { LruMap } from './lru-map.js';
import { ALLOWED, type RateOutcome, SlidingWindow } from './sliding-window.js';
import { TokenBucket } from './token-bucket.js';

/** How often: messages per caller, and runs per caller and tool. */
export abstract class RateLimiter {
  /** Counts one message of a caller. @param caller a stable key of the principal, or of the session where it is unproven */
  abstract takeMessage(caller: string): RateOutcome;

  /** Counts one connection of an address. @param address as `addressKey` names it */
  abstract takeConnection(address: string): RateOutcome;

  /**
   * How many callers have used more than a share of their messages, in the window up to now: what a monitor shows.
   * @param share 0 to 1
   */
  abstract callersOver(share: number): number;

  /** Counts one run of a tool. @param perMinute runs a minute that the tool allows each caller, >= 1 */
  abstract takeRun(caller: string, tool: string, perMinute: number): RateOutcome;

  /** Tells what {@link takeRun} would find, and takes nothing. @returns whole runs that are left now */
  abstract runsLeft(caller: string, tool: string, perMinute: number): number;
}

/** Counts in this process. Callers are forgotten least recently used first. */
@Injectable()
export class MemoryRateLimiter extends RateLimiter {
  private counted: LiveSettings['rate'];
  private windows!: LruMap<SlidingWindow>;
  private connections!: LruMap<SlidingWindow>;
  private buckets!: LruMap<TokenBucket>;

  constructor(
    private readonly settings: LiveSettings,
    private readonly clock: Clock,
  ) {
    super();
    this.counted = settings.rate;
    this.forget();
  }

  override takeMessage(caller: string): RateOutcome {
    const { enabled, maxMessages, burst, windowMs } = this.rate;
    if (!enabled) return ALLOWED;
    return this.windows
      .use(caller, () => new SlidingWindow(maxMessages + burst, windowMs))
      .take(this.clock.monotonic());
  }

  override callersOver(share: number): number {
    const now = this.clock.monotonic();
    let count = 0;
    for (const window of this.windows.values()) if (window.usedShare(now) > share) count += 1;
    return count;
  }

  override takeConnection(address: string): RateOutcome {
    const { enabled, maxConnections, windowMs } = this.rate;
    if (!enabled) return ALLOWED;
    return this.connections
      .use(address, () => new SlidingWindow(maxConnections, windowMs))
      .take(this.clock.monotonic());
  }

  override takeRun(caller: string, tool: string, perMinute: number): RateOutcome {
    if (!this.rate.enabled) return ALLOWED;
    const now = this.clock.monotonic();
    return this.buckets.use(bucketKey(caller, tool, perMinute), () => new TokenBucket(perMinute, now)).take(now);
  }

  override runsLeft(caller: string, tool: string, perMinute: number): number {
    if (!this.rate.enabled) return perMinute;
    return this.buckets.peek(bucketKey(caller, tool, perMinute))?.left(this.clock.monotonic()) ?? perMinute;
  }

  /** The settings that hold now. When others take their place, counting begins anew: what was counted had other bounds. */
  private get rate(): LiveSettings['rate'] {
    const { rate } = this.settings;
    if (rate !== this.counted) {
      this.counted = rate;
      this.forget();
    }
    return rate;
  }

  private forget(): void {
    const { maxClients } = this.counted;
    this.windows = new LruMap(maxClients);
    this.connections = new LruMap(maxClients);
    this.buckets = new LruMap(maxClients);
  }
}

/** Another rate is another bucket: a bucket knows how much it holds from when it is made. */
function bucketKey(caller: string, tool: string, perMinute: number): string {
  return `${tool}\n${perMinute}\n${caller}`;
}
