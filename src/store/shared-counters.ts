/** What a shared counter answers. */
export type CounterOutcome =
  { readonly isAllowed: true; readonly granted: number } | { readonly isAllowed: false; readonly retryAfterMs: number };

/** A window of time in which a caller may do something so many times. */
export interface SharedWindow {
  readonly key: string;
  /** >= 1 */
  readonly limit: number;
  /** >= 1 */
  readonly windowMs: number;
  /** How many to take at once, 1 to limit: fewer are granted where fewer are left. */
  readonly permits: number;
}

/** A bucket that fills evenly. */
export interface SharedBucket {
  readonly key: string;
  /** Runs a minute, and the most that are saved. */
  readonly perMinute: number;
}

/** One place in a set of bounded size. */
export interface SharedPlace {
  /** Names the set: `sessions`, or those of one principal. */
  readonly set: string;
  readonly member: string;
  /** >= 1 */
  readonly max: number;
  /** How long the place is held without being kept, ms. */
  readonly holdMs: number;
}

/** Counts that hold across replicas. There are none where a process is alone: it counts by itself. */
export abstract class SharedCounters {
  /** @throws ProtocolError store_unavailable */
  abstract takeFromWindow(window: SharedWindow): Promise<CounterOutcome>;

  /** @throws ProtocolError store_unavailable */
  abstract takeFromBucket(bucket: SharedBucket): Promise<CounterOutcome>;

  /**
   * Takes a place in a bounded set, or keeps one that is held.
   * @returns whether there was one
   * @throws ProtocolError store_unavailable
   */
  abstract hold(place: SharedPlace): Promise<boolean>;

  /** Gives a place back. */
  abstract release(set: string, member: string): Promise<void>;
}
