import type { RateRefusal, RateView } from './rate-outcome.js';

const WINDOW_MS = 60_000;
/** What a run costs; each millisecond gives `perMinute` back. Whole numbers, so that no fraction of a run gets lost. */
const RUN = WINDOW_MS;

/**
 * `perMinute` runs a minute with bursts up to that many: refills evenly (S4-33, K-10). The rate comes with each call, as
 * roles and settings may change: what was taken counts under it. What is above a lower rate comes back as fast as the
 * rate said under which it was taken: it is gone within a minute, and changing to and fro gains nothing.
 */
export class TokenBucket {
  private used = 0;
  private perMinute = 1;
  /** The rate under which what is above the present one was taken. */
  private takenAt = 1;

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
    this.used += RUN;
  }

  /** `used` is more than `limit` only where the rate was lowered. */
  view(perMinute: number, now: number): RateView {
    this.refill(perMinute, now);
    return { limit: perMinute, windowMs: WINDOW_MS, used: Math.ceil(this.used / RUN), retryAfterMs: this.restMs() };
  }

  /** Whether it is full again: a new one would be the same. */
  isIdle(now: number): boolean {
    this.refill(this.perMinute, now);
    return this.used === 0;
  }

  /** ms until one run can be taken. */
  private restMs(): number {
    const { used, perMinute, takenAt } = this;
    const bound = perMinute * RUN;
    if (used + RUN <= bound) return 0;
    const above = Math.max(0, used - bound);
    return Math.ceil(above / takenAt + (used - above + RUN - bound) / perMinute);
  }

  private refill(perMinute: number, now: number): void {
    const bound = perMinute * RUN;
    let elapsed = now - this.refilledAt;
    this.refilledAt = now;
    this.perMinute = perMinute;
    if (this.used > bound) {
      const above = this.used - bound;
      if (elapsed * this.takenAt < above) {
        this.used -= elapsed * this.takenAt;
        return;
      }
      elapsed -= above / this.takenAt;
      this.used = bound;
    }
    this.takenAt = perMinute;
    this.used = Math.max(0, this.used - elapsed * perMinute);
  }
}
