import type { Clock } from '../common/index.js';
import type { PermitOutcome, PermitRequest, SharedWindow } from '../store/index.js';
import { ALLOWED, type RateAnswer, type RateOutcome } from './rate-outcome.js';

/** Part of a limit that is taken at once: what a replica may hold without using it. */
const SHARES = 100;
/** How long a refusal is believed without asking again, ms: others may give permits back. */
const BELIEVED_MS = 1_000;

/** The limit as it stands for one message. */
type Terms = Pick<SharedWindow, 'limit' | 'windowMs'>;

/** Takes permits where all replicas do. */
export type TakePermits = (terms: Terms, request: PermitRequest) => Promise<PermitOutcome>;

/** A message that waits for its permit. */
interface Waiting {
  readonly terms: Terms;
  readonly resolve: (outcome: RateOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Permits that were granted together. */
interface Grant {
  readonly name: string;
  readonly terms: Terms;
  readonly permits: number;
  /** Monotonic ms until which they may be used; undefined where all of them were used at once. */
  readonly usableUntil: number | undefined;
  used: number;
  /** Monotonic ms. */
  lastUsedAt: number;
}

/**
 * The permits of one caller that this process holds. It takes a hundredth of the limit at once and gives them out by
 * itself, so that most messages ask nobody; what is left of them is given back with the next request. A permit that is
 * held counts until one window after the last moment at which it may be used, so that never more than the limit is
 * used in any window, on all replicas together.
 * @see docs/adr/0034-limits-across-replicas.md
 */
export class PermitLease {
  private grant: Grant | undefined;
  private queue: Waiting[] = [];
  private isAsking = false;
  private refused: { readonly terms: Terms; readonly until: number; readonly believedUntil: number } | undefined;
  /** Of the limit, as it was told last. */
  private used = { count: 0, limit: 1, at: Number.NEGATIVE_INFINITY };

  constructor(
    private readonly clock: Clock,
    private readonly ask: TakePermits,
  ) {}

  /** @returns a promise only where others have to be asked; it rejects where they cannot be */
  take(terms: Terms): RateAnswer {
    const now = this.clock.monotonic();
    if (this.spend(terms, now)) return ALLOWED;
    const refusal = this.refusal(terms, now);
    if (refusal) return refusal;
    return new Promise((resolve, reject) => {
      this.queue.push({ terms, resolve, reject });
      if (!this.isAsking) void this.serve();
    });
  }

  /** How much of the limit all replicas have used, as far as it is known here, 0 to 1. @param now monotonic ms */
  usedShare(now: number, windowMs: number): number {
    return now - this.used.at < windowMs ? this.used.count / this.used.limit : 0;
  }

  /** Whether it holds nothing: a new one would be the same. @param now monotonic ms */
  isIdle(now: number): boolean {
    const isHolding = this.isAsking || this.left(now) > 0;
    return !isHolding && (this.refused?.believedUntil ?? now) <= now;
  }

  private left(now: number): number {
    const { grant } = this;
    return grant?.usableUntil !== undefined && now < grant.usableUntil ? grant.permits - grant.used : 0;
  }

  private spend(terms: Terms, now: number): boolean {
    const { grant } = this;
    if (!grant || !areSame(grant.terms, terms) || this.left(now) === 0) return false;
    grant.used += 1;
    grant.lastUsedAt = now;
    return true;
  }

  private refusal(terms: Terms, now: number): RateOutcome | undefined {
    const { refused } = this;
    if (!refused || refused.believedUntil <= now || !areSame(refused.terms, terms)) return undefined;
    return { isAllowed: false, retryAfterMs: Math.max(1, Math.ceil(refused.until - now)), ...terms };
  }

  /** Asks until nobody waits: for all of one kind at once. */
  private async serve(): Promise<void> {
    this.isAsking = true;
    try {
      for (let [first] = this.queue; first; [first] = this.queue) await this.askFor(first.terms);
    } catch (error) {
      for (const { reject } of this.queue.splice(0)) reject(error);
    } finally {
      this.isAsking = false;
    }
  }

  private async askFor(terms: Terms): Promise<void> {
    const count = this.queue.filter((waiting) => areSame(waiting.terms, terms)).length;
    const permits = Math.min(terms.limit, Math.max(count, Math.ceil(terms.limit / SHARES)));
    const askedAt = this.clock.monotonic();
    const lifeMs = permits > count ? terms.windowMs : 0;
    const settles = this.settlement(askedAt);
    this.grant = undefined;
    const outcome = await this.ask(terms, { permits, lifeMs, settles });
    const now = this.clock.monotonic();
    this.used = { count: outcome.used, limit: terms.limit, at: now };
    if (!outcome.isAllowed) return this.refuse(terms, outcome.retryAfterMs, now);
    // What came before its time was counted from then on: so is what it may be used for.
    const usableUntil = lifeMs > 0 ? askedAt + lifeMs : undefined;
    const used = Math.min(outcome.granted, count);
    this.grant = { name: outcome.grant, terms, permits: outcome.granted, usableUntil, used, lastUsedAt: now };
    for (const { resolve } of this.leaving(terms, used)) resolve(ALLOWED);
  }

  private refuse(terms: Terms, retryAfterMs: number, now: number): void {
    this.refused = { terms, until: now + retryAfterMs, believedUntil: now + Math.min(retryAfterMs, BELIEVED_MS) };
    for (const { resolve } of this.leaving(terms, this.queue.length))
      resolve({ isAllowed: false, retryAfterMs, ...terms });
  }

  /** Takes those of one kind out of the queue, the first ones. */
  private leaving(terms: Terms, count: number): Waiting[] {
    const leaving = this.queue.filter((waiting) => areSame(waiting.terms, terms)).slice(0, count);
    this.queue = this.queue.filter((waiting) => !leaving.includes(waiting));
    return leaving;
  }

  private settlement(now: number): PermitRequest['settles'] {
    const { grant } = this;
    if (grant?.usableUntil === undefined) return undefined;
    return { grant: grant.name, used: grant.used, lastUsedAgoMs: Math.floor(now - grant.lastUsedAt) };
  }
}

function areSame(one: Terms, other: Terms): boolean {
  return one.limit === other.limit && one.windowMs === other.windowMs;
}
