interface Waiting {
  enter(): void;
}

/** How many runs at once, and how many may wait. One per tool. */
export class Bulkhead {
  private running = 0;
  private readonly waiting: Waiting[] = [];

  /**
   * @param places runs at once, >= 1
   * @param queue calls that may wait, >= 0
   */
  constructor(
    private places: number,
    readonly queue: number,
  ) {}

  /** Runs at once. */
  get limit(): number {
    return this.places;
  }

  /** Gives another number of places; what runs goes on, what waits takes those that are free. @param places >= 1 */
  resize(places: number): void {
    this.places = places;
    while (this.running < places && this.waiting.length > 0) this.waiting.shift()?.enter();
  }

  get runningCount(): number {
    return this.running;
  }

  get waitingCount(): number {
    return this.waiting.length;
  }

  /** Takes a place at once. @returns false when all are taken */
  tryEnter(): boolean {
    if (this.running >= this.limit || this.waiting.length > 0) return false;
    this.running += 1;
    return true;
  }

  /**
   * Waits for a place, first come first served.
   * @returns undefined when the queue is full; else a promise of the place, which rejects with the signal's reason
   */
  wait(signal: AbortSignal): Promise<void> | undefined {
    if (this.waiting.length >= this.queue) return undefined;
    return new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.waiting.splice(this.waiting.indexOf(waiting), 1);
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the reason is the caller's error
        reject(signal.reason);
      };
      const waiting: Waiting = {
        enter: () => {
          signal.removeEventListener('abort', onAbort);
          this.running += 1;
          resolve();
        },
      };
      if (signal.aborted) {
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the reason is the caller's error
        reject(signal.reason);
        return;
      }
      signal.addEventListener('abort', onAbort, { once: true });
      this.waiting.push(waiting);
    });
  }

  /** Gives a place back, to the one who waits longest. */
  leave(): void {
    this.running -= 1;
    if (this.running < this.limit) this.waiting.shift()?.enter();
  }
}
