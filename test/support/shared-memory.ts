import { type Clock, ProtocolError } from '../../src/common/index.js';
import { TokenBucket } from '../../src/limits/token-bucket.js';
import {
  type BucketOutcome,
  EventLog,
  type EventRetention,
  type KeptPlaces,
  type LoggedEvents,
  type PermitOutcome,
  type PermitRequest,
  type PlaceOutcome,
  SharedCounters,
  type SharedBucket,
  type SharedPlace,
  type SharedWindow,
  StoreHealth,
  type StoreState,
  type StreamEvent,
  type WindowState,
} from '../../src/store/index.js';

interface Grant {
  readonly name: string;
  readonly permits: number;
  /** From when it counts for one window. */
  readonly at: number;
}

/** A store of many replicas that is up, until a test says otherwise. */
export class SwitchedHealth extends StoreHealth {
  private current: StoreState = 'up';
  private readonly listeners = new Set<(state: StoreState) => void>();

  override get state(): StoreState {
    return this.current;
  }

  override onChange(listener: (state: StoreState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  become(state: StoreState): void {
    this.current = state;
    for (const listener of this.listeners) listener(state);
  }
}

/** The counts of many replicas, in one process and on the clock of a test; the same as the scripts of Redis count. */
export class MemoryCounters extends SharedCounters {
  private readonly windows = new Map<string, Grant[]>();
  private readonly buckets = new Map<string, TokenBucket>();
  private readonly sets = new Map<string, Map<string, number>>();
  private grants = 0;
  /** Requests so far, of every kind. */
  asked = 0;

  /** @param health whether they can be asked */
  constructor(
    private readonly clock: Clock,
    private readonly health: StoreHealth = new SwitchedHealth(),
  ) {
    super();
  }

  override async takePermits(
    { key, limit, windowMs }: SharedWindow,
    { permits, lifeMs, settles }: PermitRequest,
  ): Promise<PermitOutcome> {
    const now = this.reach();
    let grants = this.windows.get(key) ?? [];
    if (settles) {
      grants = grants.filter(({ name }) => name !== settles.grant);
      if (settles.used > 0) {
        grants.push({ name: `${settles.grant}*`, permits: settles.used, at: now - settles.lastUsedAgoMs });
      }
    }
    grants = grants.filter(({ at }) => at > now - windowMs).sort((one, other) => one.at - other.at);
    this.windows.set(key, grants);
    const used = grants.reduce((sum, grant) => sum + grant.permits, 0);
    const free = limit - used;
    if (free <= 0) {
      return { isAllowed: false, retryAfterMs: Math.max(1, (grants[0]?.at ?? now) + windowMs - now), used };
    }
    const granted = Math.min(free, permits);
    const grant = `${++this.grants}`;
    grants.push({ name: grant, permits: granted, at: now + lifeMs });
    return { isAllowed: true, granted, grant, used: used + granted };
  }

  override async viewWindow({ key, limit, windowMs }: SharedWindow): Promise<WindowState> {
    const now = this.reach();
    const grants = (this.windows.get(key) ?? []).filter(({ at }) => at > now - windowMs);
    const used = grants.reduce((sum, { permits }) => sum + permits, 0);
    const oldest = Math.min(...grants.map(({ at }) => at));
    return { used, retryAfterMs: used < limit ? 0 : Math.max(1, oldest + windowMs - now) };
  }

  override async takeRun(buckets: readonly SharedBucket[]): Promise<BucketOutcome> {
    const states = await this.viewBuckets(buckets);
    const refusedBy = states.findIndex(({ retryAfterMs }) => retryAfterMs > 0);
    if (refusedBy >= 0) return { isAllowed: false, retryAfterMs: states[refusedBy]?.retryAfterMs as number, refusedBy };
    for (const { key } of buckets) this.bucketOf(key).spend();
    return { isAllowed: true };
  }

  override async viewBuckets(buckets: readonly SharedBucket[]): Promise<readonly WindowState[]> {
    const now = this.reach();
    return buckets.map(({ key, perMinute }) => {
      const { used, retryAfterMs } = this.bucketOf(key).view(perMinute, now);
      return { used, retryAfterMs };
    });
  }

  override async hold({ set, member, max, holdMs }: SharedPlace): Promise<PlaceOutcome> {
    const now = this.reach();
    const places = this.placesOf(set);
    if (!places.has(member) && places.size >= max) {
      const idle = [...places].filter(([, until]) => until <= now + holdMs).sort(([, one], [, other]) => one - other);
      return { isHeld: false, oldest: idle[0]?.[0] };
    }
    places.set(member, now + holdMs);
    return { isHeld: true };
  }

  override async keep({ set, members, holdMs, isInUse }: KeptPlaces): Promise<void> {
    const until = this.reach() + (isInUse ? holdMs * 2 : holdMs);
    for (const member of members) this.placesOf(set).set(member, until);
  }

  override async release(set: string, member: string): Promise<void> {
    this.reach();
    this.placesOf(set).delete(member);
  }

  override async heldIn(set: string): Promise<number> {
    this.reach();
    return this.placesOf(set).size;
  }

  private placesOf(set: string): Map<string, number> {
    const now = this.clock.monotonic();
    const places = this.sets.get(set) ?? new Map<string, number>();
    for (const [member, until] of places) if (until <= now) places.delete(member);
    this.sets.set(set, places);
    return places;
  }

  private bucketOf(key: string): TokenBucket {
    const bucket = this.buckets.get(key) ?? new TokenBucket(this.clock.monotonic());
    this.buckets.set(key, bucket);
    return bucket;
  }

  private reach(): number {
    this.asked += 1;
    if (this.health.state === 'down') throw new ProtocolError('store_unavailable', 'out of reach');
    return this.clock.monotonic();
  }
}

/** The events of streams, for many replicas in one process. */
export class MemoryEventLog extends EventLog {
  override readonly isShared = true;
  private readonly streams = new Map<string, { events: StreamEvent[]; isOver: boolean; until: number }>();

  constructor(
    private readonly clock: Clock,
    private readonly health: StoreHealth = new SwitchedHealth(),
  ) {
    super();
  }

  override async append(event: StreamEvent, { maxEvents, maxAgeMs }: EventRetention): Promise<void> {
    const stream = this.streamOf(event.stream, maxAgeMs);
    stream.events.push(event);
    if (stream.events.length > maxEvents) stream.events.shift();
  }

  override async end(stream: string, { maxAgeMs }: EventRetention): Promise<void> {
    this.streamOf(stream, maxAgeMs).isOver = true;
  }

  override async read(stream: string, after: number): Promise<LoggedEvents | undefined> {
    this.reach();
    const found = this.streams.get(stream);
    if (!found || found.until <= this.clock.monotonic()) return undefined;
    const events = found.events
      .filter(({ sequence }) => sequence > after)
      .map(({ sequence, text }) => ({ sequence, text }));
    return { events, isOver: found.isOver };
  }

  override async forget(stream: string): Promise<void> {
    this.reach();
    this.streams.delete(stream);
  }

  private streamOf(name: string, maxAgeMs: number): { events: StreamEvent[]; isOver: boolean; until: number } {
    this.reach();
    const stream = this.streams.get(name) ?? { events: [], isOver: false, until: 0 };
    stream.until = this.clock.monotonic() + maxAgeMs;
    this.streams.set(name, stream);
    return stream;
  }

  private reach(): void {
    if (this.health.state === 'down') throw new ProtocolError('store_unavailable', 'out of reach');
  }
}
