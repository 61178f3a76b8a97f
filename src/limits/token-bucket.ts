import type { RateRefusal, RateView } from './rate-outcome.js';

const WINDOW_MS = 60_000;
/** What a run costs; each millisecond brings `perMinute`. Whole numbers, so that no fraction of a run gets lost. */
const RUN = WINDOW_MS;

/**
 * `perMinute` runs a minute with bursts up to that many: refills evenly (S4-33, K-10). The rate comes with each call, as
 * the roles of a caller may change; a bucket that is new is full.
 */
export class TokenBucket {
  private saved = Number.POSITIVE_INFINITY;
  private perMinute = 1;

  /** @param refilledAt monotonic ms */
  constructor(private refilledAt: number) {}

  /**
   * @param perMinute >= 1
   * @param now monotonic ms, never less than before
   * @returns why no run can be taken now; undefined when one can
   */
  refusal(perMinute: number, now: number): RateRefusal | undefined {
    const { retryAfterMs, limit, windowMs } = this.view(perMinute, now);
    return retryAfterMs > 0 ? { isAllowed: false, retryAfterMs, limit, windowMs } : undefined;
  }

  /** Takes one run, which {@link refusal} has not refused just now. */
  spend(): void {
    this.saved -= RUN;
  }

  view(perMinute: number, now: number): RateView {
    this.refill(perMinute, now);
    const used = perMinute - Math.floor(this.saved / RUN);
    const retryAfterMs = this.saved < RUN ? Math.ceil((RUN - this.saved) / perMinute) : 0;
    return { limit: perMinute, windowMs: WINDOW_MS, used, retryAfterMs };
  }

  /** Whether it is full again: a new one would be the same. */
  isIdle(now: number): boolean {
    if (this.saved === Number.POSITIVE_INFINITY) return true;
    this.refill(this.perMinute, now);
    return this.saved >= this.perMinute * RUN;
  }

  private refill(perMinute: number, now: number): void {
    this.perMinute = perMinute;
    this.saved = Math.min(perMinute * RUN, this.saved + (now - this.refilledAt) * perMinute);
    this.refilledAt = now;
  }
}
