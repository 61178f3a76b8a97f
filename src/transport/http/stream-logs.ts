import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { rulesOf } from '../../protocol/index.js';
import type { Session } from '../../session/index.js';
import type { EventStream } from './event-stream.js';
import { ResumableStream } from './resumable-stream.js';

/** The streams that clients may come back to, by the ids that their events carry. */
@Injectable()
export class StreamLogs {
  private readonly streams = new Map<string, ResumableStream>();

  constructor(
    private readonly config: AppConfig,
    private readonly clock: Clock,
  ) {}

  get count(): number {
    return this.streams.size;
  }

  /** Makes a stream that has no connection yet. */
  create(session: Session): ResumableStream {
    const { resumeMs, resumeEvents } = this.config.sessions;
    const stream = new ResumableStream(session, {
      primes: rulesOf(session.revision).primesStreams,
      retention: { maxEvents: resumeEvents, maxAgeMs: resumeMs },
      now: () => this.clock.monotonic(),
    });
    this.streams.set(stream.id, stream);
    return stream;
  }

  /**
   * Goes on with the stream that an event belongs to.
   * @param lastEventId the Last-Event-ID header, whatever it is
   * @returns the stream; undefined when it is unknown, forgotten, or of another session
   */
  resume(lastEventId: string, session: Session, sink: EventStream): ResumableStream | undefined {
    const end = lastEventId.lastIndexOf('-');
    const stream = this.streams.get(lastEventId.slice(0, end));
    const sequence = Number(lastEventId.slice(end + 1));
    if (stream?.session !== session || !Number.isSafeInteger(sequence)) return undefined;
    stream.resume(sink, sequence);
    return stream;
  }

  sweep(): void {
    const now = this.clock.monotonic();
    for (const stream of this.streams.values()) {
      if (stream.isSpent(now) || stream.session.isEnded) this.streams.delete(stream.id);
      else stream.forget(now);
    }
  }
}
