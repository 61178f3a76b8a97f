import { ProtocolError, type Clock, type GatehouseError } from '../common/index.js';
import type { Principal } from '../auth/index.js';
import type { ClientPort } from './client-port.js';

/** W3C trace context, as a client sent it. @see MCP 2026-07-28, basic, "OpenTelemetry trace context" */
export interface TraceContext {
  readonly traceparent?: string;
  readonly tracestate?: string;
  readonly baggage?: string;
}

/** What is known about a call before it runs. */
export interface CallOrigin {
  readonly requestId: string;
  readonly principal: Principal;
  /** Key under which the caller's rates are counted. */
  readonly callerKey: string;
  readonly door: string;
  /** Hash of the session id, where there is a session. */
  readonly sessionHash?: string | undefined;
  /** Deadline that the caller asks for, ms, >= 1. It can only shorten. */
  readonly timeoutMs?: number | undefined;
  /** Repeats of one call have the same; 1 to 128 characters. */
  readonly idempotencyKey?: string | undefined;
  readonly client: ClientPort;
  /** What the request said of the trace that it belongs to. */
  readonly trace?: TraceContext | undefined;
}

/**
 * One call while it runs: the one place where it is ended early, by whoever comes first. The signal is made only when
 * someone asks for it, as most tools never do.
 */
export class CallScope {
  private controller: AbortController | undefined;
  private cause: GatehouseError | undefined;
  private onAbort: ((cause: GatehouseError) => void) | undefined;
  private isAnswered = false;
  private isProlonged = false;
  /** What the caller gave, as it came: for the record. */
  args: unknown;
  /** Monotonic ms at which the call is ended; set by the executor when the tool is known. */
  deadlineAt = Number.POSITIVE_INFINITY;

  constructor(readonly origin: CallOrigin) {}

  get requestId(): string {
    return this.origin.requestId;
  }

  /** Gives the call until then: it has become a task. @param at monotonic ms */
  prolong(at: number): void {
    this.isProlonged = true;
    this.deadlineAt = at;
  }

  /** Sets the deadline, unless the call was given another. @param at monotonic ms */
  endBy(at: number): void {
    if (!this.isProlonged) this.deadlineAt = at;
  }

  /** Why the call was ended early, if it was. */
  get aborted(): GatehouseError | undefined {
    return this.cause;
  }

  /** Whether the caller still hears of the call: not once it was answered or ended early. */
  get isHeard(): boolean {
    return !this.isAnswered && this.cause === undefined;
  }

  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.cause) this.controller.abort(this.cause);
    }
    return this.controller.signal;
  }

  /** Notes that the call has its answer: work that goes on is not heard any more, unless it goes on as a task. */
  close(): void {
    this.isAnswered = !this.isProlonged;
  }

  /** Ends the call; the first cause stays. */
  abort(cause: GatehouseError): void {
    if (this.cause) return;
    this.cause = cause;
    this.controller?.abort(cause);
    this.onAbort?.(cause);
  }

  /** The caller wants no answer any more. */
  cancel(why: string): void {
    this.abort(new ProtocolError('cancelled', `Cancelled: ${why}`));
  }

  /**
   * Waits for the work, but no longer than the call lives: work that ignores its signal is left behind, its result
   * dropped.
   */
  outlast<T>(work: PromiseLike<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.onAbort = reject;
      work.then(resolve, reject);
      if (this.cause) reject(this.cause);
    });
  }

  /** Wall time at which the call is ended, ms since the epoch. */
  deadline(clock: Clock): number {
    return clock.now() + (this.deadlineAt - clock.monotonic());
  }
}
