import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { type RequestId, rulesOf } from '../../protocol/index.js';
import type { Session } from '../../session/index.js';
import { EventLog } from '../../store/index.js';
import type { EventStream } from './event-stream.js';
import { ResumableStream } from './resumable-stream.js';
import { eventPlace, nameInLog, newStreamId, type StreamKind } from './stream-id.js';
import { StreamJournal } from './stream-journal.js';
import { type StreamNews, StreamPeers } from './stream-peers.js';

/** Streams kept per session: more than can run at once, so that only ended ones are forgotten early. */
const SPARE_STREAMS = 32;
/** Characters of messages that are kept for one session, and for all: what is more pushes out the oldest (S0-13). */
const MAX_SESSION_CHARS = 8_388_608;
const MAX_CHARS = 33_554_432;

type Streams = Map<string, ResumableStream>;

/** What a stream is opened for. */
export interface StreamPurpose {
  readonly kind: StreamKind;
  /** What it owes answers to. */
  readonly requests?: readonly RequestId[];
}

/** A stream that another replica opened, to go on with here. */
export interface BegunStream {
  readonly id: string;
  /** Sequence of its last event. */
  readonly after: number;
}

/**
 * The streams that clients may come back to: by session, so that no id opens the stream of another. What is sent on them is
 * written down where other replicas find it.
 */
@Injectable()
export class StreamLogs implements OnModuleInit {
  private readonly sessions = new Map<Session, Streams>();
  /** Where there are other replicas: streams by their names in the log, and who else has the connection of one. */
  private readonly named = new Map<string, ResumableStream>();
  private readonly holders = new Map<string, string>();
  private chars = 0;

  constructor(
    private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly events: EventLog,
    private readonly peers: StreamPeers,
  ) {}

  onModuleInit(): void {
    if (this.areShared) this.peers.listen((news) => this.heard(news));
  }

  /** Whether a stream may be found at other replicas. */
  get areShared(): boolean {
    const { resumeMs, resumeEvents } = this.config.sessions;
    return this.events.isShared && resumeMs > 0 && resumeEvents > 0;
  }

  /** Streams that are kept. */
  get count(): number {
    let count = 0;
    for (const streams of this.sessions.values()) count += streams.size;
    return count;
  }

  /** Makes a stream that has no connection yet. */
  create(session: Session, { kind, requests = [] }: StreamPurpose = { kind: 'post' }): ResumableStream {
    const id = newStreamId(this.peers.own, kind);
    const journal = this.journalOf(session, id);
    journal?.open(JSON.stringify(requests));
    return this.add(session, { id, after: 0 }, journal);
  }

  /** Takes over a stream of the server's own messages that another replica began. */
  adopt(session: Session, begun: BegunStream): ResumableStream {
    const stream = this.add(session, begun, this.journalOf(session, begun.id));
    if (stream.name !== undefined) this.peers.tell({ kind: 'taken', name: stream.name });
    return stream;
  }

  /**
   * Goes on with the stream that an event belongs to.
   * @param lastEventId the Last-Event-ID header, whatever it is
   * @returns the stream; undefined when it is unknown, forgotten, or of another session
   */
  resume(lastEventId: string, session: Session, sink: EventStream): ResumableStream | undefined {
    const place = eventPlace(lastEventId);
    const stream = place && this.sessions.get(session)?.get(place.id);
    if (!stream || stream.isGivenUp) return undefined;
    const { name } = stream;
    if (name !== undefined && this.holders.delete(name)) this.peers.tell({ kind: 'taken', name });
    stream.resume(sink, place.sequence);
    return stream;
  }

  sweep(): void {
    const now = this.clock.monotonic();
    for (const [session, streams] of this.sessions) {
      for (const stream of streams.values()) {
        if (session.isEnded || stream.isSpent(now)) this.remove(stream, streams);
        else stream.forget(now);
      }
      if (streams.size === 0) this.sessions.delete(session);
    }
  }

  private add(session: Session, { id, after }: BegunStream, journal: StreamJournal | undefined): ResumableStream {
    const { resumeMs, resumeEvents } = this.config.sessions;
    const stream = new ResumableStream({
      id,
      after,
      journal,
      primes: rulesOf(session.revision).primesStreams,
      retention: { maxEvents: resumeEvents, maxAgeMs: resumeMs },
      now: () => this.clock.monotonic(),
      onSize: (chars) => this.resized(session, chars),
    });
    const streams = this.sessions.get(session) ?? (new Map() as Streams);
    this.makeRoom(streams);
    streams.set(id, stream);
    if (journal) this.named.set(journal.name, stream);
    this.sessions.set(session, streams);
    return stream;
  }

  private journalOf(session: Session, id: string): StreamJournal | undefined {
    if (!this.areShared) return undefined;
    const { resumeMs, resumeEvents } = this.config.sessions;
    const name = nameInLog(session.key, id);
    return new StreamJournal({
      log: this.events,
      name,
      retention: { maxEvents: resumeEvents, maxAgeMs: resumeMs },
      now: () => this.clock.monotonic(),
      onWritten: () => this.tellHolder(name),
    });
  }

  private tellHolder(name: string): void {
    const holder = this.holders.get(name);
    if (holder !== undefined) this.peers.tell({ kind: 'more', name }, holder);
  }

  private heard(news: StreamNews): void {
    const stream = 'name' in news ? this.named.get(news.name) : undefined;
    if (!stream || !('name' in news)) return;
    const { kind, name, by } = news;
    if (kind === 'taken') {
      // Answers come where their calls run; what the server says by itself is said where it is heard.
      if (eventPlace(`${stream.id}-0`)?.kind === 'get') return stream.giveUp();
      this.holders.set(name, by);
      stream.handOver();
      this.tellHolder(name);
    } else if (this.holders.get(name) === by) {
      if (kind === 'held') stream.held();
      if (kind === 'left' && this.holders.delete(name)) stream.left();
    }
  }

  private remove(stream: ResumableStream, streams: Streams): void {
    const { id, name } = stream;
    streams.delete(id);
    stream.keepNothing();
    if (name === undefined || this.named.get(name) !== stream) return;
    this.named.delete(name);
    this.holders.delete(name);
  }

  private makeRoom(streams: Streams): void {
    if (streams.size < this.config.limits.maxInFlight + SPARE_STREAMS) return;
    for (const stream of streams.values()) {
      if (!stream.hasEnded) continue;
      this.remove(stream, streams);
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

function dropOldest(streams: Streams): void {
  for (const stream of streams.values()) {
    if (stream.size === 0) continue;
    stream.dropOldest();
    return;
  }
}
