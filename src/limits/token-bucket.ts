import { ALLOWED, type RateOutcome } from './sliding-window.js';

/** `perMinute` runs a minute with bursts up to that many: refills evenly (S4-33, K-10). */
export class TokenBucket {
  private tokens: number;

  /**
   * @param perMinute >= 1
   * @param refilledAt monotonic ms
   */
  constructor(
    private readonly perMinute: number,
    private refilledAt: number,
  ) {
    this.tokens = perMinute;
  }

  /** @param now monotonic ms, never less than before */
  take(now: number): RateOutcome {
    const perMs = this.perMinute / 60_000;
    this.tokens = Math.min(this.perMinute, this.tokens + (now - this.refilledAt) * perMs);
    this.refilledAt = now;
    if (this.tokens < 1) return { isAllowed: false, retryAfterMs: Math.ceil((1 - this.tokens) / perMs) };
    this.tokens -= 1;
    return ALLOWED;
  }
}
