/** Whether one more was let through, and if not, when it would be. */
export type RateOutcome = { readonly isAllowed: true } | { readonly isAllowed: false; readonly retryAfterMs: number };

export const ALLOWED: RateOutcome = Object.freeze({ isAllowed: true });

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
    private readonly limit: number,
    private readonly windowMs: number,
  ) {
    this.ring = new Float64Array(Math.min(limit, FIRST_SIZE));
  }

  /** @param now monotonic ms, never less than before */
  take(now: number): RateOutcome {
    if (this.count === this.ring.length) {
      const leavesAt = (this.ring[this.oldest] as number) + this.windowMs;
      if (leavesAt <= now) this.drop();
      else if (this.count === this.limit) return { isAllowed: false, retryAfterMs: Math.ceil(leavesAt - now) };
      else this.grow();
    }
    this.ring[(this.oldest + this.count) % this.ring.length] = now;
    this.count += 1;
    return ALLOWED;
  }

  /** @param now monotonic ms @returns how much of the limit is used up, 0 to 1 */
  usedShare(now: number): number {
    while (this.count > 0 && (this.ring[this.oldest] as number) + this.windowMs <= now) this.drop();
    return this.count / this.limit;
  }

  private drop(): void {
    this.oldest = (this.oldest + 1) % this.ring.length;
    this.count -= 1;
  }

  private grow(): void {
    const larger = new Float64Array(Math.min(this.limit, this.ring.length * 2));
    for (let i = 0; i < this.count; i++) larger[i] = this.ring[(this.oldest + i) % this.ring.length] as number;
    this.ring = larger;
    this.oldest = 0;
  }
}
