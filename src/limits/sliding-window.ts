import { ALLOWED, type RateOutcome, type RateView } from './rate-outcome.js';

const FIRST_SIZE = 8;

/**
 * At most `limit` in any `windowMs`: a ring of timestamps, so that both taking and refusing are O(1). The ring grows
 * with use, as most callers stay far below their limit (K-10).
 */
export class SlidingWindow {
  private ring: Float64Array;
  private oldest = 0;
  private count = 0;

  /**
   * @param limit >= 1
   * @param windowMs >= 1
   */
  constructor(
    private limit: number,
    private readonly windowMs: number,
  ) {
    this.ring = new Float64Array(Math.min(limit, FIRST_SIZE));
  }

  /**
   * @param now monotonic ms, never less than before
   * @param limit the limit from now on, where it may change: what was taken before counts under it
   */
  take(now: number, limit = this.limit): RateOutcome {
    this.limit = limit;
    const retryAfterMs = this.restMs(now);
    if (retryAfterMs > 0) return { isAllowed: false, retryAfterMs, limit, windowMs: this.windowMs };
    if (this.count === this.ring.length) {
      if (this.at(0) + this.windowMs <= now) this.drop();
      else this.grow();
    }
    this.ring[(this.oldest + this.count) % this.ring.length] = now;
    this.count += 1;
    return ALLOWED;
  }

  /** @param now monotonic ms @param limit as of {@link take} */
  view(now: number, limit = this.limit): RateView {
    this.limit = limit;
    return { limit, windowMs: this.windowMs, used: this.usedAt(now), retryAfterMs: this.restMs(now) };
  }

  /** @param now monotonic ms @returns how much of the limit is used up, 0 to 1, more only where the limit was lowered */
  usedShare(now: number): number {
    return this.usedAt(now) / this.limit;
  }

  /** Whether it holds nothing that still counts: a new one would be the same. */
  isIdle(now: number): boolean {
    return this.count === 0 || this.at(this.count - 1) + this.windowMs <= now;
  }

  /** ms until one more may be taken: when the one leaves that is `limit` before it. */
  private restMs(now: number): number {
    if (this.count < this.limit) return 0;
    return Math.max(0, Math.ceil(this.at(this.count - this.limit) + this.windowMs - now));
  }

  /** Those within the window: they stand in order, so the first of them is found by halving. */
  private usedAt(now: number): number {
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle) + this.windowMs <= now) low = middle + 1;
      else high = middle;
    }
    return this.count - low;
  }

  private at(place: number): number {
    return this.ring[(this.oldest + place) % this.ring.length] as number;
  }

  private drop(): void {
    this.oldest = (this.oldest + 1) % this.ring.length;
    this.count -= 1;
  }

  private grow(): void {
    const larger = new Float64Array(Math.min(this.limit, this.ring.length * 2));
    for (let place = 0; place < this.count; place++) larger[place] = this.at(place);
    this.ring = larger;
    this.oldest = 0;
  }
}
