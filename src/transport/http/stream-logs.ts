import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { rulesOf } from '../../protocol/index.js';
import type { Session } from '../../session/index.js';
import type { EventStream } from './event-stream.js';
import { ResumableStream } from './resumable-stream.js';

/** Streams kept per session: more than can run at once, so that only ended ones are forgotten early. */
const SPARE_STREAMS = 32;
/** Characters of messages that are kept for one session, and for all: what is more pushes out the oldest (S0-13). */
const MAX_SESSION_CHARS = 8_388_608;
const MAX_CHARS = 33_554_432;

type Streams = Map<string, ResumableStream>;

/** The streams that clients may come back to: by session, so that no id opens the stream of another. */
@Injectable()
export class StreamLogs {
  private readonly sessions = new Map<Session, Streams>();
  private chars = 0;

  constructor(
    private readonly config: AppConfig,
    private readonly clock: Clock,
  ) {}

  /** Streams that are kept. */
  get count(): number {
    let count = 0;
    for (const streams of this.sessions.values()) count += streams.size;
    return count;
  }

  /** Makes a stream that has no connection yet. */
  create(session: Session): ResumableStream {
    const { resumeMs, resumeEvents } = this.config.sessions;
    const stream = new ResumableStream({
      primes: rulesOf(session.revision).primesStreams,
      retention: { maxEvents: resumeEvents, maxAgeMs: resumeMs },
      now: () => this.clock.monotonic(),
      onSize: (chars) => this.resized(session, chars),
    });
    const streams = this.sessions.get(session) ?? (new Map() as Streams);
    this.makeRoom(streams);
    streams.set(stream.id, stream);
    this.sessions.set(session, streams);
    return stream;
  }

  /**
   * Goes on with the stream that an event belongs to.
   * @param lastEventId the Last-Event-ID header, whatever it is
   * @returns the stream; undefined when it is unknown, forgotten, or of another session
   */
  resume(lastEventId: string, session: Session, sink: EventStream): ResumableStream | undefined {
    const end = lastEventId.lastIndexOf('-');
    const stream = this.sessions.get(session)?.get(lastEventId.slice(0, end));
    const sequence = Number(lastEventId.slice(end + 1));
    if (!stream || !Number.isSafeInteger(sequence)) return undefined;
    stream.resume(sink, sequence);
    return stream;
  }

  sweep(): void {
    const now = this.clock.monotonic();
    for (const [session, streams] of this.sessions) {
      for (const stream of streams.values()) {
        if (session.isEnded || stream.isSpent(now)) remove(stream, streams);
        else stream.forget(now);
      }
      if (streams.size === 0) this.sessions.delete(session);
    }
  }

  private makeRoom(streams: Streams): void {
    if (streams.size < this.config.limits.maxInFlight + SPARE_STREAMS) return;
    for (const stream of streams.values()) {
      if (!stream.hasEnded) continue;
      remove(stream, streams);
      return;
    }
  }

  private resized(session: Session, chars: number): void {
    this.chars += chars;
    if (chars <= 0) return;
    const own = this.sessions.get(session);
    while (own && sizeOf(own) > MAX_SESSION_CHARS) dropOldest(own);
    // Whoever holds most gives all of it: what one client makes the server keep is not at the cost of others.
    while (this.chars > MAX_CHARS) for (const stream of this.largest().values()) stream.dropAll();
  }

  private largest(): Streams {
    let largest: Streams = new Map();
    for (const streams of this.sessions.values()) if (sizeOf(streams) >= sizeOf(largest)) largest = streams;
    return largest;
  }
}

function sizeOf(streams: Streams): number {
  let size = 0;
  for (const stream of streams.values()) size += stream.size;
  return size;
}

function remove(stream: ResumableStream, streams: Streams): void {
  streams.delete(stream.id);
  stream.keepNothing();
}

function dropOldest(streams: Streams): void {
  for (const stream of streams.values()) {
    if (stream.size === 0) continue;
    stream.dropOldest();
    return;
  }
}
