import { randomBytes } from 'node:crypto';
import type { EventStream } from './event-stream.js';

/** How soon a client that was sent away should come back, ms. */
const RETRY_MS = 500;

interface LoggedEvent {
  readonly sequence: number;
  readonly text: string;
  /** Monotonic ms. */
  readonly at: number;
}

/** How much of a stream is kept for whoever comes back. */
export interface Retention {
  /** >= 0 */
  readonly maxEvents: number;
  /** >= 0 */
  readonly maxAgeMs: number;
}

/**
 * A stream of events that outlives its connections: what was sent is kept for a while, and a client that names the last
 * event that it saw gets the rest, of this stream and no other (D-6).
 * @see MCP 2025-11-25, basic/transports, "Resumability and Redelivery"
 */
export class ResumableStream {
  /** Unguessable: whoever knows it was sent it. */
  readonly id = randomBytes(9).toString('base64url');
  private readonly events: LoggedEvent[] = [];
  private chars = 0;
  private keeps = true;
  private sequence = 0;
  private sink: EventStream | undefined;
  private isOver = false;
  /** Monotonic ms at which the last connection was seen to be gone. */
  private detachedAt: number;

  /**
   * @param options.primes whether clients of the revision take the empty event that lets them resume from the start
   * @param options.onSize is told by how many characters what is kept grew or shrank
   */
  constructor(
    private readonly options: {
      readonly primes: boolean;
      readonly retention: Retention;
      readonly now: () => number;
      readonly onSize: (chars: number) => void;
    },
  ) {
    this.detachedAt = options.now();
  }

  /** Whether nothing more comes. */
  get hasEnded(): boolean {
    return this.isOver;
  }

  get isAttached(): boolean {
    return this.sink?.isOpen === true;
  }

  /** How much is kept: characters of messages. */
  get size(): number {
    return this.chars;
  }

  /** When it was first seen to have no connection since it had the last, monotonic ms; undefined while it has one. */
  get detachedSince(): number | undefined {
    if (this.isAttached) return undefined;
    if (this.sink) this.detach();
    return this.detachedAt;
  }

  /** Whether nobody can want anything of it any more. @param now monotonic ms */
  isSpent(now: number): boolean {
    const since = this.detachedSince;
    return since !== undefined && now - since >= this.options.retention.maxAgeMs;
  }

  /** Gives the stream its first connection. */
  open(sink: EventStream): void {
    this.sink = sink;
    if (this.options.primes) sink.prime(this.eventId(0));
  }

  /**
   * Gives the stream another connection.
   * @param after sequence of the last event that the client saw, >= 0
   */
  resume(sink: EventStream, after: number): void {
    this.sink?.end();
    this.sink = sink;
    for (const { sequence, text } of this.events) if (sequence > after) sink.message(text, this.eventId(sequence));
    if (this.isOver) this.finish();
  }

  /** @param text one JSON-RPC message */
  message(text: string): void {
    this.sequence += 1;
    this.sink?.message(text, this.eventId(this.sequence));
    if (!this.keeps) return;
    this.events.push({ sequence: this.sequence, text, at: this.options.now() });
    this.resize(text.length);
    if (this.events.length > this.options.retention.maxEvents) this.dropOldest();
  }

  comment(): void {
    this.sink?.comment();
  }

  /** Nothing more comes; what was sent is kept until it is too old. */
  end(): void {
    this.isOver = true;
    if (this.sink) this.finish();
  }

  /** Sends the client away, to come back for the rest. */
  release(): void {
    if (!this.options.primes) return;
    this.sink?.retryAfter(RETRY_MS);
    this.finish();
  }

  /** Forgets what is too old to be wanted. @param now monotonic ms */
  forget(now: number): void {
    const oldest = now - this.options.retention.maxAgeMs;
    while ((this.events[0]?.at ?? now) < oldest) this.dropOldest();
  }

  /** Forgets the oldest message, to make room for others. */
  dropOldest(): void {
    const event = this.events.shift();
    if (event) this.resize(-event.text.length);
  }

  /** Forgets all that was sent so far. */
  dropAll(): void {
    this.events.length = 0;
    this.resize(-this.chars);
  }

  /** Keeps nothing, now and later: nobody can come back to it. */
  keepNothing(): void {
    this.keeps = false;
    this.dropAll();
  }

  private finish(): void {
    this.sink?.end();
    this.detach();
  }

  private detach(): void {
    this.sink = undefined;
    this.detachedAt = this.options.now();
  }

  private resize(chars: number): void {
    this.chars += chars;
    this.options.onSize(chars);
  }

  private eventId(sequence: number): string {
    return `${this.id}-${sequence}`;
  }
}
