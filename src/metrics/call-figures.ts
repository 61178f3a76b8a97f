import type { ErrorKind } from '../common/index.js';

/** How a call ended, as metrics name it (K-21). */
export type CallStatus = 'success' | 'failure' | 'timeout' | 'cancelled' | 'refused' | 'waiting';

/** The handle of one tool, resource or prompt: bound once at start, so that a call looks nothing up. */
export interface CallMeter {
  started(): void;
  /**
   * @param durationMs >= 0; anything else counts as 0
   * @param kind why, where it is not success
   */
  finished(status: CallStatus, durationMs: number, kind?: ErrorKind): void;
}

/** What one target did since the start. */
export interface CallFigures {
  /** Calls that came to an end, whichever. */
  readonly executions: number;
  readonly active: number;
  readonly byStatus: Readonly<Record<CallStatus, number>>;
  /** Calls that did not succeed, by why. */
  readonly byKind: ReadonlyMap<ErrorKind, KindFigures>;
  readonly totalMs: number;
  /** Of the calls whose work was run to an end, see {@link isExecution}. */
  readonly durations: DurationFigures;
  /** Share of failures and timeouts among the last 100 of those, 0 to 1; 0 where there were none. */
  readonly recentFailureRate: number;
}

/** Calls that ended for one reason: it decides how they count. */
export interface KindFigures {
  readonly status: CallStatus;
  readonly count: number;
}

/** How long calls took. */
export interface DurationFigures {
  readonly count: number;
  readonly sumMs: number;
  /** 0 where there were none. */
  readonly minMs: number;
  readonly maxMs: number;
  /** Calls at or under each of {@link BUCKETS_MS}, growing. */
  readonly cumulative: readonly number[];
  /** @param share 0 to 1 @returns ms, estimated within its bucket; 0 where there were no calls */
  quantileMs(share: number): number;
}

/** Upper bounds of the buckets of durations, ms. */
export const BUCKETS_MS: readonly number[] = [
  1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000,
];

const RECENT = 100;
const EMPTY: ReadonlyMap<ErrorKind, KindFigures> = new Map();

/** Whether the work of a call was begun, and came to an end: what was refused, or waits for its client, is none. */
export function isExecution(status: CallStatus): boolean {
  return status !== 'refused' && status !== 'waiting';
}

/** Counts in plain numbers: a call costs nanoseconds, and whoever wants the figures works them out then. */
export class PlainCallMeter implements CallMeter, CallFigures {
  executions = 0;
  active = 0;
  totalMs = 0;
  readonly byStatus: Record<CallStatus, number> = {
    success: 0,
    failure: 0,
    timeout: 0,
    cancelled: 0,
    refused: 0,
    waiting: 0,
  };
  readonly durations = new PlainDurations();
  private kinds: Map<ErrorKind, KindFigures> | undefined;
  private readonly recent = new Uint8Array(RECENT);
  private recentAt = 0;

  started(): void {
    this.active += 1;
  }

  finished(status: CallStatus, durationMs: number, kind?: ErrorKind): void {
    const ms = durationMs >= 0 && durationMs < Number.POSITIVE_INFINITY ? durationMs : 0;
    this.active -= 1;
    this.executions += 1;
    this.byStatus[status] += 1;
    this.totalMs += ms;
    if (kind !== undefined) {
      this.kinds ??= new Map();
      this.kinds.set(kind, { status, count: (this.kinds.get(kind)?.count ?? 0) + 1 });
    }
    if (!isExecution(status)) return;
    this.durations.add(ms);
    this.recent[this.recentAt] = status === 'failure' || status === 'timeout' ? 1 : 0;
    this.recentAt = this.recentAt + 1 === RECENT ? 0 : this.recentAt + 1;
  }

  get byKind(): ReadonlyMap<ErrorKind, KindFigures> {
    return this.kinds ?? EMPTY;
  }

  get recentFailureRate(): number {
    const known = Math.min(this.durations.count, RECENT);
    if (known === 0) return 0;
    return this.recent.reduce((sum, failed) => sum + failed, 0) / known;
  }
}

class PlainDurations implements DurationFigures {
  count = 0;
  sumMs = 0;
  maxMs = 0;
  private least = Number.POSITIVE_INFINITY;
  /** One more than there are bounds: the last is for what is over all of them. */
  private readonly buckets = new Float64Array(BUCKETS_MS.length + 1);

  add(ms: number): void {
    this.count += 1;
    this.sumMs += ms;
    if (ms > this.maxMs) this.maxMs = ms;
    if (ms < this.least) this.least = ms;
    let at = 0;
    while (at < BUCKETS_MS.length && ms > (BUCKETS_MS[at] as number)) at++;
    this.buckets[at] = (this.buckets[at] as number) + 1;
  }

  get minMs(): number {
    return this.count === 0 ? 0 : this.least;
  }

  get cumulative(): readonly number[] {
    let sum = 0;
    return BUCKETS_MS.map((_bound, at) => (sum += this.buckets[at] as number));
  }

  quantileMs(share: number): number {
    if (this.count === 0) return 0;
    const rank = share * this.count;
    let below = 0;
    for (const [at, inside] of this.buckets.entries()) {
      if (below + inside >= rank && inside > 0) {
        const from = Math.max(at === 0 ? 0 : (BUCKETS_MS[at - 1] as number), this.minMs);
        const to = Math.min(BUCKETS_MS[at] ?? this.maxMs, this.maxMs);
        return from + Math.max(to - from, 0) * ((rank - below) / inside);
      }
      below += inside;
    }
    return this.maxMs;
  }
}
