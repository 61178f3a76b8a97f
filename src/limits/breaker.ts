/** How a call ended, as a breaker sees it: faults of the input are the caller's, and count for nothing (S4-32). */
export type BreakerReport = 'success' | 'failure' | 'neutral';

/** Closed lets calls pass, half-open one at a time to see, open none. */
export type BreakerState = 'closed' | 'half_open' | 'open';

/** A state as metrics show it. */
export const BREAKER_STATE_VALUES: Readonly<Record<BreakerState, number>> = { closed: 0, half_open: 1, open: 2 };

/** Ways that a breaker goes; the last one only where an operator says so. */
export const BREAKER_TRANSITIONS = [
  ['closed', 'open'],
  ['open', 'half_open'],
  ['half_open', 'closed'],
  ['half_open', 'open'],
  ['open', 'closed'],
] as const satisfies readonly (readonly [BreakerState, BreakerState])[];

/** When a breaker opens, and when it closes again. */
export interface BreakerRules {
  /** Failures in a row that open it, >= 1. */
  readonly threshold: number;
  /** Rest before a trial, ms, >= 1. */
  readonly recoveryMs: number;
  /** Trials in a row that must succeed to close it, >= 1. */
  readonly successes: number;
}

/** A change of state, and why. */
export interface BreakerTransition {
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly why:
    'failures in a row' | 'its rest is over' | 'trials succeeded' | 'a trial failed' | 'an operator said so';
}

/**
 * Lets a tool that keeps failing rest: closed, then open after failures in a row, then half-open after its rest, where
 * trial calls decide, one at a time. The clock opens it again: no timer, and nothing that an open breaker could lock
 * out, however it came to be open (W-24).
 */
export class Breaker {
  private current: BreakerState = 'closed';
  /** Failures in a row while closed, successes in a row while half-open. */
  private inARow = 0;
  private openedAt = 0;
  private trialRuns = false;
  /** Counts its states and trials: what a call of an earlier one reports says nothing about this one. */
  private era = 1;
  /** How often it went each way, in the order of {@link BREAKER_TRANSITIONS}. */
  readonly transitions: number[] = BREAKER_TRANSITIONS.map(() => 0);

  /** @param onTransition told of each change of state */
  constructor(
    private held: BreakerRules,
    private readonly onTransition: (transition: BreakerTransition) => void = () => undefined,
  ) {}

  get rules(): BreakerRules {
    return this.held;
  }

  /** Takes over other rules: what was counted and how long it has rested count under them. */
  retune(rules: BreakerRules): void {
    this.held = rules;
  }

  get state(): BreakerState {
    return this.current;
  }

  /** Where it is for whoever looks on: half-open from when a trial may run. @param now monotonic ms */
  stateAt(now: number): BreakerState {
    return this.current === 'open' && this.restMs(now) === 0 ? 'half_open' : this.current;
  }

  /** ms until a call may try, 0 when one may now. @param now monotonic ms */
  restMs(now: number): number {
    if (this.current === 'open') return Math.max(0, this.openedAt + this.rules.recoveryMs - now);
    return this.trialRuns ? 1 : 0;
  }

  /** Asks for one call. @returns the pass under which it must be reported, undefined while the tool rests */
  tryPass(now: number): number | undefined {
    if (this.current === 'closed') return this.era;
    if (this.restMs(now) > 0) return undefined;
    if (this.current === 'open') this.change('half_open', 'its rest is over');
    this.trialRuns = true;
    return ++this.era;
  }

  /** Reports how a call that was let pass ended. One that began in an earlier state has no say. */
  report(pass: number, report: BreakerReport, now: number): void {
    if (pass !== this.era) return;
    this.trialRuns = false;
    if (report === 'neutral') return;
    if (this.current === 'closed') this.count(report, now);
    else this.judge(report, now);
  }

  /** Opens it for its rest, or closes it, whatever calls say. @param now monotonic ms */
  force(state: 'open' | 'closed', now: number): void {
    this.openedAt = now;
    this.change(state, 'an operator said so');
  }

  private count(report: BreakerReport, now: number): void {
    this.inARow = report === 'success' ? 0 : this.inARow + 1;
    if (this.inARow < this.rules.threshold) return;
    this.openedAt = now;
    this.change('open', 'failures in a row');
  }

  private judge(report: BreakerReport, now: number): void {
    if (report === 'failure') {
      this.openedAt = now;
      this.change('open', 'a trial failed');
      return;
    }
    this.inARow += 1;
    if (this.inARow >= this.rules.successes) this.change('closed', 'trials succeeded');
  }

  private change(to: BreakerState, why: BreakerTransition['why']): void {
    const from = this.current;
    this.current = to;
    this.inARow = 0;
    this.trialRuns = false;
    this.era += 1;
    if (from === to) return;
    const way = BREAKER_TRANSITIONS.findIndex(([before, after]) => before === from && after === to);
    this.transitions[way] = (this.transitions[way] ?? 0) + 1;
    this.onTransition({ from, to, why });
  }
}
