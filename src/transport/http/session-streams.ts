import type { ServerResponse } from 'node:http';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { CredentialWatch, type Principal } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { Announcements, legacyListener } from '../../dispatch/index.js';
import type { Session } from '../../session/index.js';
import { EventStream, RETRY_MS } from './event-stream.js';
import { FollowedStreams } from './followed-streams.js';
import type { ResumableStream } from './resumable-stream.js';
import { eventPlace, nameInLog } from './stream-id.js';
import { StreamLogs } from './stream-logs.js';
import { StreamPeers } from './stream-peers.js';

/** Where announcements of one session go: the newest of its streams that has a connection, and no other. */
interface Outlet {
  readonly streams: Set<ResumableStream>;
  readonly stop: () => void;
  /** Replica that has a newer connection of the session, and speaks in place of this one. */
  speaker: string | undefined;
}

interface StreamCaller {
  readonly session: Session;
  readonly principal: Principal;
}

/** The streams of GET: what the server has to say to a session outside of any request. */
@Injectable()
export class SessionStreams implements OnModuleInit {
  private readonly logger = new Logger(SessionStreams.name);
  private readonly outlets = new Map<Session, Outlet>();
  /** Connections, and whether each carries the answer of a call rather than announcements. */
  private readonly connected = new Map<EventStream, boolean>();

  constructor(
    private readonly logs: StreamLogs,
    private readonly announcements: Announcements,
    private readonly config: AppConfig,
    private readonly credentials: CredentialWatch,
    private readonly peers: StreamPeers,
    private readonly followed: FollowedStreams,
  ) {}

  onModuleInit(): void {
    if (!this.logs.areShared) return;
    this.peers.listen((news) => {
      if (news.kind !== 'speaks' && news.kind !== 'silent') return;
      for (const [{ key }, outlet] of this.outlets) {
        if (key !== news.key) continue;
        if (news.kind === 'speaks') outlet.speaker = news.by;
        else if (outlet.speaker === news.by) outlet.speaker = undefined;
      }
    });
  }

  /**
   * Serves a GET, until its connection closes or its session ends.
   * @param lastEventId where a client comes back: its stream goes on, be it of a GET or of a POST
   */
  open(res: ServerResponse, caller: StreamCaller, lastEventId?: string): void {
    const { session } = caller;
    const sink = EventStream.open(res, this.config.limits.maxBodyBytes);
    const resumed = lastEventId === undefined ? undefined : this.logs.resume(lastEventId, session, sink);
    const isElsewhere = !resumed && lastEventId !== undefined && this.logs.areShared;
    if (!resumed && !isElsewhere) this.begin(caller, sink);
    this.connected.set(sink, resumed !== undefined && !this.outlets.get(session)?.streams.has(resumed));
    const release = session.attachStream(() => sink.end());
    // A stream lasts no longer than the credential that opened it (D-10).
    const stopWatching = this.credentials.watch(caller.principal, () => sink.end());
    res.on('close', () => {
      this.connected.delete(sink);
      this.followed.leave(sink);
      this.closed(session);
      stopWatching();
      release();
    });
    if (isElsewhere) void this.resumeElsewhere(lastEventId, caller, sink);
  }

  /** Shows proxies that quiet streams live. */
  keepAlive(): void {
    for (const sink of this.connected.keys()) sink.comment();
    for (const { streams } of this.outlets.values()) for (const stream of streams) if (stream.isAttached) stream.keep();
  }

  /** Sends away whoever waits for no answer. */
  endIdle(): void {
    for (const [sink, isOfCall] of this.connected) if (!isOfCall) dismiss(sink);
  }

  /** Sends everyone away. */
  endAll(): void {
    for (const sink of this.connected.keys()) dismiss(sink);
  }

  /** Forgets sessions that nobody can come back to. */
  sweep(now: number): void {
    for (const [session, outlet] of this.outlets) {
      const { streams, stop } = outlet;
      void this.hearAgain(outlet);
      for (const stream of streams) if (stream.isSpent(now)) streams.delete(stream);
      if (streams.size > 0 && !session.isEnded) continue;
      stop();
      this.outlets.delete(session);
    }
  }

  /** Goes on with a stream that another replica has; where there is no such, it is a new one. */
  private async resumeElsewhere(lastEventId: string, caller: StreamCaller, sink: EventStream): Promise<void> {
    try {
      if (await this.takeUp(lastEventId, caller, sink)) return;
    } catch (error) {
      this.logger.debug(`A stream could not be looked for: ${String(error)}`);
    }
    if (sink.isOpen) this.begin(caller, sink);
  }

  /**
   * Answers are read as the replica where they run writes them; what the server says by itself is said from here.
   * @returns whether there is such a stream
   * @throws ProtocolError store_unavailable
   */
  private async takeUp(lastEventId: string, caller: StreamCaller, sink: EventStream): Promise<boolean> {
    const place = eventPlace(lastEventId);
    if (!place) return false;
    const { session } = caller;
    if (place.kind === 'post') {
      this.connected.set(sink, true);
      if (await this.followed.follow(place, session.key, sink)) return true;
      if (this.connected.has(sink)) this.connected.set(sink, false);
      return false;
    }
    const missed = await this.followed.read(nameInLog(session.key, place.id), place.sequence);
    if (!missed || !sink.isOpen || session.isEnded) return missed !== undefined;
    for (const { sequence, text } of missed.events) sink.message(text, `${place.id}-${sequence}`);
    const after = missed.events.at(-1)?.sequence ?? place.sequence;
    const stream = this.logs.adopt(session, { id: place.id, after });
    stream.resume(sink, after);
    this.speakFor(caller, stream);
    return true;
  }

  /** A replica that is gone says no more that it is silent. */
  private async hearAgain(outlet: Outlet): Promise<void> {
    const { speaker } = outlet;
    if (speaker === undefined || (await this.followed.isThere(speaker))) return;
    if (outlet.speaker === speaker) outlet.speaker = undefined;
  }

  private begin(caller: StreamCaller, sink: EventStream): void {
    const stream = this.logs.create(caller.session, { kind: 'get' });
    this.speakFor(caller, stream);
    stream.open(sink);
  }

  private speakFor({ session, principal }: StreamCaller, stream: ResumableStream): void {
    const outlet = this.outlets.get(session) ?? this.outletOf(session, principal);
    outlet.streams.add(stream);
    outlet.speaker = undefined;
    if (this.logs.areShared) this.peers.tell({ kind: 'speaks', key: session.key });
  }

  private outletOf(session: Session, principal: Principal): Outlet {
    const streams = new Set<ResumableStream>();
    const send = (text: string): void => {
      if (outlet.speaker !== undefined) return;
      const newest = [...streams].filter(({ isGivenUp }) => !isGivenUp).reverse();
      (newest.find(({ isAttached }) => isAttached) ?? newest[0])?.message(text);
    };
    const stop = this.announcements.listen(legacyListener(session, principal, send));
    const outlet: Outlet = { streams, stop, speaker: undefined };
    this.outlets.set(session, outlet);
    return outlet;
  }

  /** A connection closed: where it was the last here, another replica may have one. */
  private closed(session: Session): void {
    if (!this.logs.areShared) return;
    const outlet = this.outlets.get(session);
    if (!outlet || outlet.speaker !== undefined) return;
    if (![...outlet.streams].some(({ isAttached }) => isAttached))
      this.peers.tell({ kind: 'silent', key: session.key });
  }
}

function dismiss(sink: EventStream): void {
  if (!sink.isOpen) return;
  sink.retryAfter(RETRY_MS);
  sink.end();
}
