import { ALLOWED, type RateOutcome } from './sliding-window.js';

/** What a run costs; each millisecond brings `perMinute`. Whole numbers, so that no fraction of a run gets lost. */
const RUN = 60_000;

/** `perMinute` runs a minute with bursts up to that many: refills evenly (S4-33, K-10). */
export class TokenBucket {
  private saved: number;

  /**
   * @param perMinute >= 1
   * @param refilledAt monotonic ms
   */
  constructor(
    private readonly perMinute: number,
    private refilledAt: number,
  ) {
    this.saved = perMinute * RUN;
  }

  /** Whole runs that could be taken now. @param now monotonic ms, never less than before */
  left(now: number): number {
    this.refill(now);
    return Math.floor(this.saved / RUN);
  }

  /** @param now monotonic ms, never less than before */
  take(now: number): RateOutcome {
    this.refill(now);
    if (this.saved < RUN) return { isAllowed: false, retryAfterMs: Math.ceil((RUN - this.saved) / this.perMinute) };
    this.saved -= RUN;
    return ALLOWED;
  }

  private refill(now: number): void {
    this.saved = Math.min(this.perMinute * RUN, this.saved + (now - this.refilledAt) * this.perMinute);
    this.refilledAt = now;
  }
}
