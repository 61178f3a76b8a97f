/** How many runs at once. */
export interface BulkheadRules {
  /** Runs at once of all callers, >= 1. */
  readonly limit: number;
  /** Calls that may wait, >= 0. */
  readonly queue: number;
  /** Runs at once of one caller, >= 1; undefined means no limit of its own. */
  readonly perCaller: number | undefined;
}

interface Waiting {
  /** Ends the waiting: with a place, or without one. */
  end(hasPlace: boolean): void;
}

/** Calls of one caller that wait, in order. */
interface Share {
  readonly caller: string;
  readonly waiting: Set<Waiting>;
}

/** Weight of the newest run in the mean. */
const NEWEST = 0.2;
const [LEAST_RETRY_MS, MOST_RETRY_MS] = [1_000, 300_000];

/**
 * How many runs at once, and how many may wait. One per tool. Places go round the callers that wait, one each, so that
 * nobody waits behind more than one call of every other; and where the queue is full, the newest call of whoever has
 * most in it gives way to a caller with fewer.
 */
export class Bulkhead {
  private running = 0;
  private waiting = 0;
  private meanMs = 0;
  /** Runs by caller, also while no caller has a limit: there may be one before they end. */
  private readonly runs = new Map<string, number>();
  private readonly shares = new Map<string, Share>();
  /** Those that wait and may have a place, in the order of their turns; empty while places are free. */
  private readonly ready = new Set<Share>();

  constructor(private held: BulkheadRules) {}

  get rules(): BulkheadRules {
    return this.held;
  }

  /** Takes over other rules: what runs goes on, what waits takes the places that are free by them. */
  resize(rules: BulkheadRules): void {
    this.held = rules;
    for (const share of this.shares.values()) this.refresh(share);
    this.fill();
  }

  get runningCount(): number {
    return this.running;
  }

  get waitingCount(): number {
    return this.waiting;
  }

  /** When a place may be free for one more, as far as the runs before tell: ms, 1,000 to 300,000. */
  get retryAfterMs(): number {
    const guess = Math.ceil((this.meanMs * (this.waiting + 1)) / this.rules.limit);
    return Math.min(Math.max(guess, LEAST_RETRY_MS), MOST_RETRY_MS);
  }

  /** Takes a place at once. @returns false when there is none for this caller */
  tryEnter(caller: string): boolean {
    if (this.running >= this.rules.limit || !this.mayRun(caller)) return false;
    this.enter(caller);
    return true;
  }

  /**
   * Waits for a place.
   * @returns undefined when the queue is full; else a promise, of true with the place, of false when the call had to
   * give way; it rejects with the signal's reason
   */
  wait(caller: string, signal: AbortSignal): Promise<boolean> | undefined {
    if (!signal.aborted && this.waiting >= this.rules.queue && !this.makeRoom(caller)) return undefined;
    return new Promise<boolean>((resolve, reject) => {
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the reason is the caller's error
      const refuse = (): void => reject(signal.reason);
      if (signal.aborted) return refuse();
      const share = this.shareOf(caller);
      const onAbort = (): void => {
        this.drop(share, waiting);
        refuse();
      };
      const waiting: Waiting = {
        end: (hasPlace) => {
          signal.removeEventListener('abort', onAbort);
          resolve(hasPlace);
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      share.waiting.add(waiting);
      this.waiting += 1;
      this.refresh(share);
    });
  }

  /** Gives a place back. @param heldMs how long it was held, >= 0 */
  leave(caller: string, heldMs: number): void {
    this.running -= 1;
    this.meanMs = this.meanMs === 0 ? heldMs : this.meanMs + NEWEST * (heldMs - this.meanMs);
    const runs = (this.runs.get(caller) ?? 0) - 1;
    if (runs > 0) this.runs.set(caller, runs);
    else this.runs.delete(caller);
    const share = this.shares.get(caller);
    if (share) this.refresh(share);
    this.fill();
  }

  /** Whether a call of this caller would get a place, or could wait for one. */
  hasRoomFor(caller: string): boolean {
    const { limit, queue } = this.rules;
    return (
      (this.running < limit && this.mayRun(caller)) || this.waiting < queue || this.yieldingTo(caller) !== undefined
    );
  }

  private enter(caller: string): void {
    this.running += 1;
    this.runs.set(caller, (this.runs.get(caller) ?? 0) + 1);
  }

  private mayRun(caller: string): boolean {
    const { perCaller } = this.rules;
    return perCaller === undefined || (this.runs.get(caller) ?? 0) < perCaller;
  }

  private fill(): void {
    while (this.running < this.rules.limit && this.serveNext());
  }

  /** Gives the place to the next caller, who then stands behind the others. @returns false when nobody waits for it */
  private serveNext(): boolean {
    const [share] = this.ready;
    if (!share) return false;
    const next = share.waiting.values().next().value as Waiting;
    this.enter(share.caller);
    this.ready.delete(share);
    this.drop(share, next);
    next.end(true);
    return true;
  }

  /** @returns whether a call of a caller that has more in the queue gave way */
  private makeRoom(caller: string): boolean {
    const most = this.yieldingTo(caller);
    if (!most) return false;
    const newest = [...most.waiting].at(-1) as Waiting;
    this.drop(most, newest);
    newest.end(false);
    return true;
  }

  /** @returns the share with most in the queue, where it has more than the caller would have */
  private yieldingTo(caller: string): Share | undefined {
    let most: Share | undefined;
    for (const share of this.shares.values()) if (share.waiting.size > (most?.waiting.size ?? 0)) most = share;
    const own = this.shares.get(caller)?.waiting.size ?? 0;
    return most && most.waiting.size > own + 1 ? most : undefined;
  }

  private drop(share: Share, waiting: Waiting): void {
    share.waiting.delete(waiting);
    this.waiting -= 1;
    this.refresh(share);
  }

  private shareOf(caller: string): Share {
    let share = this.shares.get(caller);
    if (!share) this.shares.set(caller, (share = { caller, waiting: new Set() }));
    return share;
  }

  /** Puts a share where it belongs: among those to serve, at its old turn where it had one, or nowhere. */
  private refresh(share: Share): void {
    if (share.waiting.size > 0 && this.mayRun(share.caller)) this.ready.add(share);
    else this.ready.delete(share);
    if (share.waiting.size === 0) this.shares.delete(share.caller);
  }
}
