import type { Ending } from './ending.js';

/** Messages and bytes that may wait for a client before no more is taken from it. */
export interface QueueLimits {
  /** >= 1 */
  readonly messages: number;
  /** >= 1 */
  readonly bytes: number;
}

/** Bytes that may wait for a client before nothing more is taken from it (S0-13). */
export const HIGH_WATER_BYTES = 1_048_576;

/**
 * The way to one client: how its door frames messages, how much of them it has not read, and how it ends. What the client
 * sends does not come this way.
 */
export abstract class Wire {
  private waiting = 0;
  private wasRead = false;
  private onRead: (() => void) | undefined;

  constructor(private readonly limits: QueueLimits) {}

  /** Bytes that wait for the client to read. */
  abstract get unreadBytes(): number;

  /** Takes nothing more from the client until {@link resume}. */
  abstract pause(): void;

  abstract resume(): void;

  /** Says goodbye, in so far as the door has words for it, and closes. */
  abstract close(ending: Ending): void;

  /** Closes at once; what waits is lost. */
  abstract destroy(): void;

  /**
   * Shows the client, and whoever is between, that this side lives, where that is due.
   * @param _now monotonic ms
   * @returns false where the client is known to be gone
   */
  beat(_now: number): boolean {
    return true;
  }

  /** Messages that wait for the client to read. */
  get unreadMessages(): number {
    return this.waiting;
  }

  /** Whether so much waits that nothing more should be taken from the client. */
  get isFull(): boolean {
    return this.waiting > this.limits.messages || this.unreadBytes > this.limits.bytes;
  }

  /** @param text one JSON-RPC message */
  send(text: string): void {
    this.waiting += 1;
    this.write(text, this.written);
  }

  /** @param listener is told whenever the client has read something */
  whenRead(listener: () => void): void {
    this.onRead = listener;
  }

  /** Whether the client has read anything since this was asked last, or nothing waits for it. */
  takeWasRead(): boolean {
    const wasRead = this.wasRead || this.waiting === 0;
    this.wasRead = false;
    return wasRead;
  }

  /** @param done to be called when the message has left the process, or was lost */
  protected abstract write(text: string, done: () => void): void;

  private readonly written = (): void => {
    this.waiting -= 1;
    this.wasRead = true;
    this.onRead?.();
  };
}
