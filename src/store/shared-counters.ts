/** A window of time in which a caller may do something so many times. */
export interface SharedWindow {
  readonly key: string;
  /** >= 1 */
  readonly limit: number;
  /** ms, >= 1 */
  readonly windowMs: number;
}

/** How many permits to take of a window at once, and what became of those before. */
export interface PermitRequest {
  /** 1 to limit: fewer are granted where fewer are left. */
  readonly permits: number;
  /**
   * How long they may be used, ms; 0 where they are used at once. Until they are settled they count as if they were
   * used at the end of it.
   */
  readonly lifeMs: number;
  /** The grant that is used up, or will not be used any more: from now on it counts as what was used of it. */
  readonly settles?: { readonly grant: string; readonly used: number; readonly lastUsedAgoMs: number } | undefined;
}

/** What a window answers. */
export type PermitOutcome =
  | { readonly isAllowed: true; readonly granted: number; readonly grant: string; readonly used: number }
  | { readonly isAllowed: false; readonly retryAfterMs: number; readonly used: number };

/** How a window stands: what counts of it, and when one more would be granted; 0 is now. */
export interface WindowState {
  readonly used: number;
  readonly retryAfterMs: number;
}

/** A bucket that fills evenly. */
export interface SharedBucket {
  readonly key: string;
  /** Runs a minute, and the most that are saved. */
  readonly perMinute: number;
}

/** What buckets answer that are asked together: either all give one run, or none does. */
export type BucketOutcome =
  | { readonly isAllowed: true }
  /** @property refusedBy place of the bucket that is empty, among those that were asked */
  | { readonly isAllowed: false; readonly retryAfterMs: number; readonly refusedBy: number };

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

/** Places that are kept. */
export interface KeptPlaces extends Pick<SharedPlace, 'set' | 'holdMs'> {
  readonly members: readonly string[];
  /** Whether their holders cannot give way: then they are held twice as long. */
  readonly isInUse: boolean;
}

/** Whether there was a place; where there was none, who of those that are not in use was there first. */
export type PlaceOutcome = { readonly isHeld: true } | { readonly isHeld: false; readonly oldest: string | undefined };

/** Counts that hold across replicas. There are none where a process is alone: it counts by itself. */
export abstract class SharedCounters {
  /**
   * Takes permits of a window: never more than its limit count in it, whoever asks.
   * @throws ProtocolError store_unavailable
   */
  abstract takePermits(window: SharedWindow, request: PermitRequest): Promise<PermitOutcome>;

  /** @throws ProtocolError store_unavailable */
  abstract viewWindow(window: SharedWindow): Promise<WindowState>;

  /** Takes one run of each bucket, or of none. @throws ProtocolError store_unavailable */
  abstract takeRun(buckets: readonly SharedBucket[]): Promise<BucketOutcome>;

  /** @returns the whole runs that each bucket has @throws ProtocolError store_unavailable */
  abstract viewBuckets(buckets: readonly SharedBucket[]): Promise<readonly WindowState[]>;

  /** Takes a place in a bounded set, or keeps one that is held. @throws ProtocolError store_unavailable */
  abstract hold(place: SharedPlace): Promise<PlaceOutcome>;

  /** Keeps places, and takes those that are not held, be there room or not. @throws ProtocolError store_unavailable */
  abstract keep(places: KeptPlaces): Promise<void>;

  /** Gives a place back. @throws ProtocolError store_unavailable */
  abstract release(set: string, member: string): Promise<void>;

  /** @returns places of a set that are held now @throws ProtocolError store_unavailable */
  abstract heldIn(set: string): Promise<number>;
}
