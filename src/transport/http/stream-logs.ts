import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { rulesOf } from '../../protocol/index.js';
import type { Session } from '../../session/index.js';
import type { EventStream } from './event-stream.js';
import { ResumableStream } from './resumable-stream.js';

/** Streams kept per session: more than can run at once, so that only ended ones are forgotten early. */
const SPARE_STREAMS = 32;

/** The streams that clients may come back to: by session, so that no id opens the stream of another. */
@Injectable()
export class StreamLogs {
  private readonly sessions = new Map<Session, Map<string, ResumableStream>>();

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
    });
    const streams = this.sessions.get(session) ?? new Map<string, ResumableStream>();
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
        if (stream.isSpent(now)) streams.delete(stream.id);
        else stream.forget(now);
      }
      if (streams.size === 0 || session.isEnded) this.sessions.delete(session);
    }
  }

  private makeRoom(streams: Map<string, ResumableStream>): void {
    if (streams.size < this.config.limits.maxInFlight + SPARE_STREAMS) return;
    for (const stream of streams.values()) {
      if (!stream.hasEnded) continue;
      streams.delete(stream.id);
      return;
    }
  }
}
