import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { errorReply } from '../../dispatch/index.js';
import { decode, isMalformed, isNotification, isRequest, type RequestId } from '../../protocol/index.js';
import { EventLog, type LoggedEvents, Replicas, SharedLook } from '../../store/index.js';
import type { EventStream } from './event-stream.js';
import { type EventPlace, nameInLog } from './stream-id.js';
import { StreamPeers } from './stream-peers.js';

const SWEEP_MS = 1_000;
/** How often whoever runs the call hears that its client is still there. */
const SIGN_MS = 5_000;

const LOST =
  'The replica that ran this call ended before it answered: whether it was done is not known. ' +
  'Look before you call again, or name calls by an idempotency key';

/** The answer of a POST that another replica runs, on its way to a client that came back here. */
interface Followed {
  readonly name: string;
  readonly place: EventPlace;
  readonly sink: EventStream;
  readonly look: SharedLook;
  /** Sequence of the last event that was sent on. */
  last: number;
  /** Monotonic ms. */
  toldAt: number;
}

/**
 * Answers that other replicas write, for clients that came back here: read from the log whenever there is word of more,
 * and once a second. Where the replica that runs the call is gone, the client is told that it was lost.
 */
@Injectable()
export class FollowedStreams implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(FollowedStreams.name);
  private readonly followed = new Map<string, Followed>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly events: EventLog,
    private readonly peers: StreamPeers,
    private readonly replicas: Replicas,
    private readonly config: AppConfig,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    if (!this.events.isShared) return;
    this.peers.listen((news) => {
      const stream = 'name' in news ? this.followed.get(news.name) : undefined;
      if (stream && news.kind === 'more') void this.more(stream);
      // Whoever came back came back once more, elsewhere.
      else if (stream && news.kind === 'taken') this.end(stream);
    });
    this.timer = setInterval(() => void this.sweep(), SWEEP_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  get count(): number {
    return this.followed.size;
  }

  /** @returns what a stream holds after an event; undefined where there is none @throws ProtocolError store_unavailable */
  read(name: string, after: number): Promise<LoggedEvents | undefined> {
    return this.events.read(name, after);
  }

  /** Whether a replica lives, as far as is known. */
  async isThere(replica: string): Promise<boolean> {
    try {
      return await this.replicas.isAlive(replica);
    } catch {
      // While nobody can say, nobody is declared dead.
      return true;
    }
  }

  /**
   * Sends on what a stream holds after an event, and what comes, until it ends or its client leaves.
   * @returns whether there is such a stream
   * @throws ProtocolError store_unavailable
   */
  async follow(place: EventPlace, sessionKey: string, sink: EventStream): Promise<boolean> {
    const name = nameInLog(sessionKey, place.id);
    if (!(await this.events.read(name, place.sequence))) return false;
    const look = new SharedLook(() => this.pass(stream));
    const stream: Followed = { name, place, sink, look, last: place.sequence, toldAt: this.clock.monotonic() };
    const before = this.followed.get(name);
    if (before) this.end(before);
    if (!sink.isOpen) return true;
    this.followed.set(name, stream);
    this.peers.tell({ kind: 'taken', name });
    await this.more(stream);
    return true;
  }

  /** The client left. */
  leave(sink: EventStream): void {
    for (const stream of this.followed.values()) {
      if (stream.sink !== sink) continue;
      this.followed.delete(stream.name);
      this.peers.tell({ kind: 'left', name: stream.name }, stream.place.owner);
    }
  }

  async sweep(): Promise<void> {
    const now = this.clock.monotonic();
    const alive = new Map<string, Promise<boolean>>();
    for (const stream of [...this.followed.values()]) {
      const { owner } = stream.place;
      if (now - stream.toldAt >= SIGN_MS) {
        stream.toldAt = now;
        this.peers.tell({ kind: 'held', name: stream.name }, owner);
      }
      const isThere = alive.get(owner) ?? this.isThere(owner);
      alive.set(owner, isThere);
      if (!(await isThere)) await this.lost(stream);
      await this.more(stream);
    }
  }

  private async more(stream: Followed): Promise<void> {
    try {
      await stream.look.again();
    } catch (error) {
      // The next sweep looks again.
      this.logger.debug(`A stream cannot be read: ${String(error)}`);
    }
  }

  private async pass(stream: Followed): Promise<void> {
    const { name, place, sink } = stream;
    const logged = await this.events.read(name, stream.last);
    if (this.followed.get(name) !== stream) return;
    for (const { sequence, text } of logged?.events ?? []) {
      sink.message(text, `${place.id}-${sequence}`);
      stream.last = sequence;
    }
    if (!logged || logged.isOver) this.end(stream);
  }

  /** Answers what nobody else will any more. Of two who do, the log takes one. */
  private async lost({ name }: Followed): Promise<void> {
    const { resumeMs: maxAgeMs, resumeEvents: maxEvents } = this.config.sessions;
    const retention = { maxAgeMs, maxEvents };
    try {
      const logged = await this.events.read(name, 0);
      if (!logged || logged.isOver) return;
      let sequence = logged.events.at(-1)?.sequence ?? 0;
      for (const id of unanswered(logged)) {
        sequence += 1;
        const { text } = errorReply(id, { kind: 'outcome_unknown', message: LOST });
        await this.events.append({ stream: name, sequence, text }, retention);
      }
      await this.events.end(name, retention);
    } catch (error) {
      this.logger.debug(`A lost call could not be answered: ${String(error)}`);
    }
  }

  private end(stream: Followed): void {
    if (this.followed.get(stream.name) === stream) this.followed.delete(stream.name);
    stream.sink.end();
  }
}

/** Requests of a stream that it holds no answer to. */
function unanswered({ about = '[]', events }: LoggedEvents): RequestId[] {
  const answered = new Set<unknown>();
  for (const { text } of events) {
    for (const message of [decode(text)].flat()) {
      if (!isMalformed(message) && !isRequest(message) && !isNotification(message)) answered.add(message.id);
    }
  }
  return (JSON.parse(about) as RequestId[]).filter((id) => !answered.has(id));
}
