import { createHash } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { type Clock, isGatehouseError } from '../common/index.js';
import type { SharedBucket, SharedCounters, StoreHealth, WindowState } from '../store/index.js';
import { LruMap } from './lru-map.js';
import { PermitLease } from './permit-lease.js';
import { ALLOWED, type RateAnswer, type RateOutcome, type RateView } from './rate-outcome.js';
import { RateLimiter, type RunLimit, type RunView, type TrackedKeys } from './rate-limiter.js';
import type { RateTerms } from './rate-terms.js';
import type { RateViolations } from './rate-violations.js';

/** A minute: what buckets are counted by. */
const BUCKET_MS = 60_000;
const NO_ROLES: readonly string[] = [];
const UNLIMITED: RunView = Object.freeze({ ofCaller: undefined, total: undefined });

/** What is needed to count with other replicas. */
export interface SharedLimits {
  readonly counters: SharedCounters;
  readonly health: StoreHealth;
  /** Counts while the others cannot be asked: its portion of each limit. */
  readonly local: RateLimiter;
  readonly terms: RateTerms;
  readonly violations: RateViolations;
  readonly clock: Clock;
}

/**
 * Counts with all replicas together. While the store is out of reach each replica counts by itself, up to its portion
 * of the limits (D-23): a caller is then let through somewhat more often around the loss and the return.
 */
export class SharedRateLimiter extends RateLimiter {
  private readonly logger = new Logger('RateLimits');
  private readonly messages: LruMap<PermitLease>;
  private readonly connections: LruMap<PermitLease>;
  private isTold = false;

  constructor(private readonly shared: SharedLimits) {
    super();
    this.messages = this.remembering();
    this.connections = this.remembering();
  }

  override takeMessage(caller: string, roles = NO_ROLES): RateAnswer {
    const { terms, local } = this.shared;
    if (!terms.rate.enabled) return ALLOWED;
    return this.orLocally(
      () => this.leaseOf(this.messages, 'm', caller).take(this.windowOf(terms.messagesOf(roles))),
      () => local.takeMessage(caller, roles),
    );
  }

  override takeConnection(address: string): RateAnswer {
    const { terms, local } = this.shared;
    if (!terms.rate.enabled) return ALLOWED;
    // What is refused locally was noted there.
    return this.orLocally(
      () => this.noted(address, this.leaseOf(this.connections, 'c', address).take(this.windowOf(terms.connections))),
      () => local.takeConnection(address),
    );
  }

  override takeRun(caller: string, limit: RunLimit, roles = NO_ROLES): RateAnswer {
    const { terms, local, counters } = this.shared;
    const buckets = terms.rate.enabled ? this.bucketsOf(caller, limit, roles) : [];
    if (buckets.length === 0) return ALLOWED;
    return this.orLocally(
      async (): Promise<RateOutcome> => {
        const outcome = await counters.takeRun(buckets);
        if (outcome.isAllowed) return ALLOWED;
        const { retryAfterMs, refusedBy } = outcome;
        const { perMinute: limit, isTotal } = buckets[refusedBy] as RunBucket;
        const refusal = { isAllowed: false, retryAfterMs, limit, windowMs: BUCKET_MS } as const;
        return isTotal ? { ...refusal, isTotal } : refusal;
      },
      () => local.takeRun(caller, limit, roles),
    );
  }

  override async viewMessages(caller: string, roles = NO_ROLES): Promise<RateView | undefined> {
    const { terms, local, counters } = this.shared;
    if (!terms.rate.enabled) return undefined;
    const window = this.windowOf(terms.messagesOf(roles));
    return this.orLocally(
      async () => ({ ...window, ...(await counters.viewWindow({ ...window, key: keyOf('m', caller) })) }),
      async () => local.viewMessages(caller, roles),
    );
  }

  override async viewRuns(caller: string, limit: RunLimit, roles = NO_ROLES): Promise<RunView> {
    const { terms, local, counters } = this.shared;
    const buckets = terms.rate.enabled ? this.bucketsOf(caller, limit, roles) : [];
    if (buckets.length === 0) return UNLIMITED;
    return this.orLocally(
      async () => {
        const states = await counters.viewBuckets(buckets);
        const view = (isTotal: boolean): RateView | undefined => viewOf(buckets, states, isTotal);
        return { ofCaller: view(false), total: view(true) };
      },
      async () => local.viewRuns(caller, limit, roles),
    );
  }

  override callersOver(share: number): number {
    const { terms, health, local, clock } = this.shared;
    if (health.state === 'down') return local.callersOver(share);
    const now = clock.monotonic();
    let count = 0;
    for (const lease of this.messages.values()) if (lease.usedShare(now, terms.rate.windowMs) > share) count += 1;
    return count;
  }

  override trackedKeys(): TrackedKeys {
    const { runs } = this.shared.local.trackedKeys();
    return { messages: this.messages.size, connections: this.connections.size, runs };
  }

  /** Asks the others, or counts here where they are out of reach. */
  private orLocally<T>(ask: () => T | Promise<T>, locally: () => T | Promise<T>): T | Promise<T> {
    if (this.shared.health.state === 'down') return this.alone(locally);
    const answer = ask();
    if (!(answer instanceof Promise)) return answer;
    return answer.then(
      (outcome) => {
        this.isTold = false;
        return outcome;
      },
      (error: unknown) => {
        if (isGatehouseError(error) && error.kind === 'store_unavailable') return this.alone(locally);
        throw error;
      },
    );
  }

  /** Told of once for each time that the store is lost. */
  private alone<T>(locally: () => T): T {
    if (!this.isTold)
      this.logger.warn('Redis is out of reach: this replica counts its portion of each limit by itself');
    this.isTold = true;
    return locally();
  }

  private noted(address: string, answer: RateAnswer): RateAnswer {
    if (answer instanceof Promise) return answer.then((outcome) => this.noted(address, outcome));
    if (!answer.isAllowed) this.shared.violations.note(address);
    return answer;
  }

  private windowOf(limit: number): { readonly limit: number; readonly windowMs: number } {
    return { limit, windowMs: this.shared.terms.rate.windowMs };
  }

  private leaseOf(leases: LruMap<PermitLease>, kind: string, name: string): PermitLease {
    const { counters, clock, terms } = this.shared;
    leases.resize(terms.rate.maxClients);
    return leases.use(name, () => {
      const key = keyOf(kind, name);
      return new PermitLease(clock, (window, request) => counters.takePermits({ key, ...window }, request));
    });
  }

  private bucketsOf(caller: string, limit: RunLimit, roles: readonly string[]): readonly RunBucket[] {
    const own = this.shared.terms.runsOf(roles, limit);
    const { label, totalRunsPerMinute: total } = limit;
    return [
      ...(own === undefined
        ? []
        : [{ key: keyOf('r', `${label}\n${caller}`), perMinute: own, isTotal: false } as const]),
      ...(total === undefined ? [] : [{ key: keyOf('a', label), perMinute: total, isTotal: true } as const]),
    ];
  }

  private remembering(): LruMap<PermitLease> {
    const { terms, clock } = this.shared;
    return new LruMap<PermitLease>(terms.rate.maxClients, (lease) => lease.isIdle(clock.monotonic()));
  }
}

interface RunBucket extends SharedBucket {
  readonly isTotal: boolean;
}

function viewOf(buckets: readonly RunBucket[], states: readonly WindowState[], isTotal: boolean): RateView | undefined {
  const place = buckets.findIndex((bucket) => bucket.isTotal === isTotal);
  const [bucket, state] = [buckets[place], states[place]];
  return bucket && state && { limit: bucket.perMinute, windowMs: BUCKET_MS, ...state };
}

/** Names of callers may be long, and are nobody's business in the store. */
function keyOf(kind: string, name: string): string {
  return `${kind}:${createHash('sha256').update(name).digest('base64url').slice(0, 22)}`;
}
