import type { EventStream } from './event-stream.js';
import type { StreamJournal } from './stream-journal.js';

/** How long a connection at another replica counts as there after its last sign, ms. */
const HELD_MS = 15_000;

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
  readonly id: string;
  private readonly events: LoggedEvent[] = [];
  private chars = 0;
  private keeps = true;
  private sequence: number;
  private sink: EventStream | undefined;
  private isOver = false;
  /** Monotonic ms of the last sign of a connection that another replica has; undefined where none has. */
  private heldAt: number | undefined;
  /** Whether another replica has taken it over for good. */
  private gaveUp = false;
  /** Monotonic ms at which the last connection was seen to be gone. */
  private detachedAt: number;

  /**
   * @param options.primes whether clients of the revision take the empty event that lets them resume from the start
   * @param options.onSize is told by how many characters what is kept grew or shrank
   * @param options.after sequence of the last event so far, where it was begun elsewhere
   * @param options.journal where it is written down for other replicas
   */
  constructor(
    private readonly options: {
      readonly id: string;
      readonly after?: number;
      readonly journal?: StreamJournal | undefined;
      readonly primes: boolean;
      readonly retention: Retention;
      readonly now: () => number;
      readonly onSize: (chars: number) => void;
    },
  ) {
    this.id = options.id;
    this.sequence = options.after ?? 0;
    this.detachedAt = options.now();
  }

  /** Whether nothing more comes. */
  get hasEnded(): boolean {
    return this.isOver;
  }

  /** Whether it has a connection, here or at another replica. */
  get isAttached(): boolean {
    return this.sink?.isOpen === true || this.isHeld;
  }

  /** Whether another replica goes on with it. */
  get isGivenUp(): boolean {
    return this.gaveUp;
  }

  /** Name of it in the log of all replicas; undefined where there is none. */
  get name(): string | undefined {
    return this.options.journal?.name;
  }

  /** How much is kept: characters of messages. */
  get size(): number {
    return this.chars;
  }

  /** When it was first seen to have no connection since it had the last, monotonic ms; undefined while it has one. */
  get detachedSince(): number | undefined {
    if (this.isAttached) return undefined;
    if (this.sink) this.detach();
    if (this.heldAt !== undefined) [this.detachedAt, this.heldAt] = [this.heldAt, undefined];
    return this.detachedAt;
  }

  /** Whether nobody can want anything of it any more. @param now monotonic ms */
  isSpent(now: number): boolean {
    const since = this.detachedSince;
    return this.isGivenUp || (since !== undefined && now - since >= this.options.retention.maxAgeMs);
  }

  /** Gives the stream its first connection. */
  open(sink: EventStream): void {
    this.sink = sink;
    if (this.options.primes) this.whenWritten(() => sink.prime(this.eventId(0)));
  }

  /**
   * Gives the stream another connection.
   * @param after sequence of the last event that the client saw, >= 0
   */
  resume(sink: EventStream, after: number): void {
    this.sink?.end();
    this.sink = sink;
    this.heldAt = undefined;
    const missed = this.events.filter(({ sequence }) => sequence > after);
    this.whenWritten(() => {
      for (const { sequence, text } of missed) sink.message(text, this.eventId(sequence));
    });
    if (this.isOver) this.finish();
  }

  /** Its client came back at another replica, which reads on in the log. */
  handOver(): void {
    this.sink?.end();
    this.sink = undefined;
    this.held();
  }

  /** The connection at the other replica is still there. */
  held(): void {
    if (!this.sink) this.heldAt = this.options.now();
  }

  /** The connection at the other replica is gone. */
  left(): void {
    this.heldAt = undefined;
    if (!this.sink) this.detachedAt = this.options.now();
  }

  /** Another replica goes on with it: nothing more comes of it here. */
  giveUp(): void {
    this.gaveUp = true;
    this.sink?.end();
    this.sink = undefined;
    this.keepNothing();
  }

  /** @param text one JSON-RPC message */
  message(text: string): void {
    if (this.isGivenUp) return;
    this.sequence += 1;
    const { sink, sequence } = this;
    this.options.journal?.append(sequence, text);
    this.whenWritten(() => sink?.message(text, this.eventId(sequence)));
    if (!this.keeps) return;
    this.events.push({ sequence, text, at: this.options.now() });
    this.resize(text.length);
    if (this.events.length > this.options.retention.maxEvents) this.dropOldest();
  }

  comment(): void {
    this.options.journal?.keep();
    this.sink?.comment();
  }

  /** Keeps what other replicas know of it. */
  keep(): void {
    if (!this.isGivenUp) this.options.journal?.keep();
  }

  /** Nothing more comes; what was sent is kept until it is too old. */
  end(): void {
    this.isOver = true;
    if (this.sink) this.finish();
    this.options.journal?.end();
  }

  /** Sends the client away, to come back for the rest. */
  release(): void {
    const { sink } = this;
    if (!this.options.primes) return;
    this.whenWritten(() => sink?.retryAfter(RETRY_MS));
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

  /** Ends the connection that is there now, once it has all. */
  private finish(): void {
    const { sink } = this;
    this.whenWritten(() => {
      sink?.end();
      if (this.sink === sink) this.detach();
    });
  }

  /** A connection gets nothing that the log does not have, nor anything before what came before it. */
  private whenWritten(send: () => void): void {
    if (this.options.journal) this.options.journal.after(send);
    else send();
  }

  private get isHeld(): boolean {
    return this.heldAt !== undefined && this.options.now() - this.heldAt < HELD_MS;
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
