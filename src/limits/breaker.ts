/** How a call ended, as a breaker sees it: faults of the input are the caller's, and count for nothing (S4-32). */
export type BreakerReport = 'success' | 'failure' | 'neutral';

/** Where a breaker can be. */
export type BreakerState = 'closed' | 'open' | 'half_open';

/** Ways that a breaker goes. */
export const BREAKER_TRANSITIONS = [
  ['closed', 'open'],
  ['open', 'half_open'],
  ['half_open', 'closed'],
  ['half_open', 'open'],
] as const satisfies readonly (readonly [BreakerState, BreakerState])[];

/**
 * Lets a tool that keeps failing rest: closed, then open after `threshold` failures in a row, then after `recoveryMs`
 * one trial call decides. The clock opens it again: no timer, and nothing that an open breaker could lock out (W-24).
 */
export class Breaker {
  private failures = 0;
  private openedAt: number | undefined;
  private trialRuns = false;
  private isHalfOpen = false;
  /** How often it went each way, in the order of {@link BREAKER_TRANSITIONS}. */
  readonly transitions: [number, number, number, number] = [0, 0, 0, 0];
  /** Counts its states and trials: what a call of an earlier one reports says nothing about this one. */
  private era = 1;

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

  /** Asks for one call. @returns the pass under which it must be reported, undefined while the tool rests */
  tryPass(now: number): number | undefined {
    if (this.openedAt === undefined) return this.era;
    if (this.restMs(now) > 0) return undefined;
    this.trialRuns = true;
    // A trial that decided nothing is followed by another, in the same half-open state.
    if (!this.isHalfOpen) this.transitions[1] += 1;
    this.isHalfOpen = true;
    return ++this.era;
  }

  /** Reports how a call that was let pass ended. One that began before the breaker opened has no say in its trial. */
  report(pass: number, report: BreakerReport, now: number): void {
    if (pass !== this.era) return;
    this.trialRuns = false;
    if (report === 'neutral') return;
    this.failures = report === 'success' ? 0 : this.failures + 1;
    const isOpen = this.failures >= this.threshold;
    if (this.openedAt !== undefined) this.transitions[isOpen ? 3 : 2] += 1;
    else if (isOpen) this.transitions[0] += 1;
    if (isOpen || this.openedAt !== undefined) this.era += 1;
    this.isHalfOpen = false;
    this.openedAt = isOpen ? now : undefined;
  }

  /** Where it is for whoever looks on: half open from when a trial may run until it has ended. @param now monotonic ms */
  stateAt(now: number): BreakerState {
    if (this.openedAt === undefined) return 'closed';
    return now - this.openedAt >= this.recoveryMs ? 'half_open' : 'open';
  }

  get state(): 'closed' | 'open' {
    return this.openedAt === undefined ? 'closed' : 'open';
  }
}
