/** No more for now. */
export interface RateRefusal {
  readonly isAllowed: false;
  /** When one more would be let through, >= 1. */
  readonly retryAfterMs: number;
  readonly limit: number;
  /** In which time the limit holds. */
  readonly windowMs: number;
  /** Whether it is the limit of all callers together that is used up. */
  readonly isTotal?: true;
}

/** Whether one more was let through, and if not, when it would be. */
export type RateOutcome = { readonly isAllowed: true } | RateRefusal;

/** An outcome, at once where this process decides it; a promise where it asks a store that others share. */
export type RateAnswer = RateOutcome | Promise<RateOutcome>;

export const ALLOWED: RateOutcome = Object.freeze({ isAllowed: true });

/** A limit as it stands, looked at without taking anything. */
export interface RateView {
  readonly limit: number;
  readonly windowMs: number;
  readonly used: number;
  /** 0 when one more would be let through now. */
  readonly retryAfterMs: number;
}
