/** Why a run is ended before its time. */
export type InterruptReason = 'timed_out' | 'cancelled';

/** The first of what can end a run early: its deadline, its caller, the end of the server. */
export class Interrupt {
  /** Resolves when the run must end; never rejects. */
  readonly fired: Promise<InterruptReason>;
  private resolve!: (reason: InterruptReason) => void;
  private first: InterruptReason | undefined;
  private readonly timer: NodeJS.Timeout | undefined;
  private readonly onAbort = (): void => this.fire('cancelled');

  /** @param timeoutMs none when left out */
  constructor(
    private readonly signal: AbortSignal,
    timeoutMs: number | undefined,
  ) {
    this.fired = new Promise((resolve) => (this.resolve = resolve));
    signal.addEventListener('abort', this.onAbort, { once: true });
    if (signal.aborted) this.fire('cancelled');
    if (timeoutMs !== undefined) this.timer = setTimeout(() => this.fire('timed_out'), timeoutMs);
  }

  /** What came first, as soon as anything came. */
  get reason(): InterruptReason | undefined {
    return this.first;
  }

  fire(reason: InterruptReason): void {
    this.first ??= reason;
    this.resolve(this.first);
  }

  /** Lets go of timer and signal. */
  dispose(): void {
    clearTimeout(this.timer);
    this.signal.removeEventListener('abort', this.onAbort);
  }
}
