import { Clock } from '../common/index.js';
import { LiveSettings } from '../config/index.js';
import { LruMap } from './lru-map.js';
import { ALLOWED, type RateAnswer, type RateOutcome, type RateView } from './rate-outcome.js';
import { RateRules, type RunTarget } from './rate-rules.js';
import { RateTerms } from './rate-terms.js';
import { RateViolations } from './rate-violations.js';
import { SlidingWindow } from './sliding-window.js';
import { TokenBucket } from './token-bucket.js';

/** Something that runs, and how often it may. */
export interface RunLimit extends RunTarget {
  /** `tool:nmap`: by what it is counted. */
  readonly label: string;
  /** Runs a minute of each caller, >= 1; undefined means no limit but what the roles of a caller say. */
  readonly runsPerMinute: number | undefined;
  /** Runs a minute of all callers together, >= 1; undefined means no limit. */
  readonly totalRunsPerMinute: number | undefined;
}

/** The limits of a run, as they stand for one caller; undefined where there is none. */
export interface RunView {
  readonly ofCaller: RateView | undefined;
  readonly total: RateView | undefined;
}

/** Keys that are remembered. */
export interface TrackedKeys {
  readonly messages: number;
  readonly connections: number;
  readonly runs: number;
}

/**
 * How often: messages per caller, connections per address, and runs per caller and tool (K-9). One for all doors.
 * Taking counts; looking does not. A caller is the key of a principal, as `principalKey` makes it, or of the session or
 * connection where the principal is unproven (D-11); its roles are for the limits that they change.
 */
export abstract class RateLimiter {
  /** Counts one message of a caller. */
  abstract takeMessage(caller: string, roles?: readonly string[]): RateAnswer;

  /** Counts one connection of an address, where it arrives. @param address as `addressKey` names it */
  abstract takeConnection(address: string): RateAnswer;

  /** Counts one run, or none where either limit refuses it. */
  abstract takeRun(caller: string, limit: RunLimit, roles?: readonly string[]): RateAnswer;

  /** @returns undefined where messages are not limited */
  abstract viewMessages(
    caller: string,
    roles?: readonly string[],
  ): RateView | undefined | Promise<RateView | undefined>;

  abstract viewRuns(caller: string, limit: RunLimit, roles?: readonly string[]): RunView | Promise<RunView>;

  /**
   * How many callers of this process have used more than a share of their messages, in the window up to now (S0-15).
   * @param share 0 to 1
   */
  abstract callersOver(share: number): number;

  /** Of this process. */
  abstract trackedKeys(): TrackedKeys;
}

const NO_ROLES: readonly string[] = [];
const UNLIMITED: RunView = Object.freeze({ ofCaller: undefined, total: undefined });

/**
 * Counts in this process. Callers are forgotten least recently used first, and once nothing of theirs counts any more.
 * Limits are those that hold now: what was counted before others took their place counts under them too, unless they
 * are for windows of another length.
 */
export class MemoryRateLimiter extends RateLimiter {
  private windows: LruMap<SlidingWindow>;
  private connections: LruMap<SlidingWindow>;
  private readonly buckets: LruMap<TokenBucket>;
  /** By target: bounded by the catalogue. */
  private readonly totals = new Map<string, TokenBucket>();
  private readonly terms: RateTerms;
  /** The settings as this was last made to fit them. */
  private fitted: LiveSettings['rate'];

  /** @param portionOf how much of a limit this process may give out by itself, >= 1 */
  constructor(
    settings: LiveSettings,
    private readonly clock: Clock,
    rules: RateRules,
    private readonly violations: RateViolations,
    private readonly portionOf: (limit: number) => number = (limit) => limit,
  ) {
    super();
    this.terms = new RateTerms(settings, rules);
    this.fitted = settings.rate;
    this.windows = this.remembering<SlidingWindow>();
    this.connections = this.remembering<SlidingWindow>();
    this.buckets = this.remembering<TokenBucket>();
  }

  override takeMessage(caller: string, roles = NO_ROLES): RateOutcome {
    const { enabled, windowMs } = this.rate;
    if (!enabled) return ALLOWED;
    const limit = this.messagesOf(roles);
    return this.windows.use(caller, () => new SlidingWindow(limit, windowMs)).take(this.clock.monotonic(), limit);
  }

  override takeConnection(address: string): RateOutcome {
    const { enabled, windowMs } = this.rate;
    if (!enabled) return ALLOWED;
    const limit = this.portionOf(this.terms.connections);
    const outcome = this.connections
      .use(address, () => new SlidingWindow(limit, windowMs))
      .take(this.clock.monotonic(), limit);
    if (!outcome.isAllowed) this.violations.note(address);
    return outcome;
  }

  override takeRun(caller: string, limit: RunLimit, roles = NO_ROLES): RateOutcome {
    const { label } = limit;
    const total = this.portion(limit.totalRunsPerMinute);
    const perMinute = this.runsOf(roles, limit);
    if (!this.rate.enabled || (perMinute === undefined && total === undefined)) return ALLOWED;
    const now = this.clock.monotonic();
    // Both are asked before either pays: a run that one refuses must not be taken from the other.
    const own = perMinute === undefined ? undefined : this.buckets.use(runKey(caller, label), () => bucketAt(now));
    const refusal = own?.refusal(perMinute as number, now);
    if (refusal) return refusal;
    const all = total === undefined ? undefined : this.totalOf(label, now);
    const refusalOfAll = all?.refusal(total as number, now);
    if (refusalOfAll) return { ...refusalOfAll, isTotal: true };
    own?.spend();
    all?.spend();
    return ALLOWED;
  }

  override viewMessages(caller: string, roles = NO_ROLES): RateView | undefined {
    const { enabled, windowMs } = this.rate;
    if (!enabled) return undefined;
    const limit = this.messagesOf(roles);
    const window = this.windows.find(caller) ?? new SlidingWindow(limit, windowMs);
    return window.view(this.clock.monotonic(), limit);
  }

  override viewRuns(caller: string, limit: RunLimit, roles = NO_ROLES): RunView {
    if (!this.rate.enabled) return UNLIMITED;
    const { label } = limit;
    const now = this.clock.monotonic();
    const view = (bucket: TokenBucket | undefined, perMinute: number | undefined): RateView | undefined =>
      perMinute === undefined ? undefined : (bucket ?? bucketAt(now)).view(perMinute, now);
    return {
      ofCaller: view(this.buckets.find(runKey(caller, label)), this.runsOf(roles, limit)),
      total: view(this.totals.get(label), this.portion(limit.totalRunsPerMinute)),
    };
  }

  override callersOver(share: number): number {
    const now = this.clock.monotonic();
    let count = 0;
    for (const window of this.windows.values()) if (window.usedShare(now) > share) count += 1;
    return count;
  }

  override trackedKeys(): TrackedKeys {
    return { messages: this.windows.size, connections: this.connections.size, runs: this.buckets.size };
  }

  /** The settings that hold now. */
  private get rate(): LiveSettings['rate'] {
    const { rate } = this.terms;
    if (rate !== this.fitted) this.fit(rate);
    return rate;
  }

  private fit(rate: LiveSettings['rate']): void {
    const isOtherWindow = rate.windowMs !== this.fitted.windowMs;
    this.fitted = rate;
    if (isOtherWindow) {
      this.windows = this.remembering<SlidingWindow>();
      this.connections = this.remembering<SlidingWindow>();
    }
    for (const kept of [this.windows, this.connections, this.buckets]) kept.resize(rate.maxClients);
  }

  private remembering<Meter extends { isIdle(now: number): boolean }>(): LruMap<Meter> {
    return new LruMap<Meter>(this.fitted.maxClients, (meter) => meter.isIdle(this.clock.monotonic()));
  }

  private messagesOf(roles: readonly string[]): number {
    return this.portionOf(this.terms.messagesOf(roles));
  }

  private runsOf(roles: readonly string[], limit: RunLimit): number | undefined {
    return this.portion(this.terms.runsOf(roles, limit));
  }

  private portion(limit: number | undefined): number | undefined {
    return limit === undefined ? undefined : this.portionOf(limit);
  }

  private totalOf(label: string, now: number): TokenBucket {
    let bucket = this.totals.get(label);
    if (!bucket) this.totals.set(label, (bucket = bucketAt(now)));
    return bucket;
  }
}

function bucketAt(now: number): TokenBucket {
  return new TokenBucket(now);
}

function runKey(caller: string, label: string): string {
  return `${label}\n${caller}`;
}
