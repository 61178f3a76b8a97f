/** How a call ended, as a breaker sees it: faults of the input are the caller's, and count for nothing (S4-32). */
export type BreakerReport = 'success' | 'failure' | 'neutral';

/**
 * Lets a tool that keeps failing rest: closed, then open after `threshold` failures in a row, then after `recoveryMs`
 * one trial call decides. The clock opens it again: no timer, and nothing that an open breaker could lock out (W-24).
 */
export class Breaker {
  private failures = 0;
  private openedAt: number | undefined;
  private trialRuns = false;

  /**
   * @param threshold failures in a row, >= 1
   * @param recoveryMs >= 1
   */
  constructor(
    private readonly threshold: number,
    private readonly recoveryMs: number,
  ) {}

  /** ms until a call may try, 0 when one may now. @param now monotonic ms */
  restMs(now: number): number {
    if (this.openedAt === undefined) return 0;
    const rest = this.openedAt + this.recoveryMs - now;
    if (rest > 0) return rest;
    return this.trialRuns ? 1 : 0;
  }

  /** Asks for one call, which must be reported. @returns false while the tool rests */
  tryPass(now: number): boolean {
    if (this.openedAt === undefined) return true;
    if (this.restMs(now) > 0) return false;
    this.trialRuns = true;
    return true;
  }

  /** Reports how a call that was let pass ended. */
  report(report: BreakerReport, now: number): void {
    this.trialRuns = false;
    if (report === 'neutral') return;
    if (report === 'success') {
      this.failures = 0;
      this.openedAt = undefined;
      return;
    }
    this.failures += 1;
    if (this.failures >= this.threshold) this.openedAt = now;
  }

  get state(): 'closed' | 'open' {
    return this.openedAt === undefined ? 'closed' : 'open';
  }
}
