import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { CredentialWatch, type Principal } from '../../auth/index.js';
import { AppConfig } from '../../config/index.js';
import { Announcements, legacyListener } from '../../dispatch/index.js';
import type { Session } from '../../session/index.js';
import { EventStream, RETRY_MS } from './event-stream.js';
import type { ResumableStream } from './resumable-stream.js';
import { StreamLogs } from './stream-logs.js';

/** Where announcements of one session go: the newest of its streams that has a connection, and no other. */
interface Outlet {
  readonly streams: Set<ResumableStream>;
  readonly stop: () => void;
}

/** The streams of GET: what the server has to say to a session outside of any request. */
@Injectable()
export class SessionStreams {
  private readonly outlets = new Map<Session, Outlet>();
  /** Connections, and whether each carries the answer of a call rather than announcements. */
  private readonly connected = new Map<EventStream, boolean>();

  constructor(
    private readonly logs: StreamLogs,
    private readonly announcements: Announcements,
    private readonly config: AppConfig,
    private readonly credentials: CredentialWatch,
  ) {}

  /**
   * Serves a GET, until its connection closes or its session ends.
   * @param lastEventId where a client comes back: its stream goes on, be it of a GET or of a POST
   */
  open(
    res: ServerResponse,
    caller: { readonly session: Session; readonly principal: Principal },
    lastEventId?: string,
  ): void {
    const { session } = caller;
    const sink = EventStream.open(res, this.config.limits.maxBodyBytes);
    const resumed = lastEventId === undefined ? undefined : this.logs.resume(lastEventId, session, sink);
    if (!resumed) this.begin(caller, sink);
    this.connected.set(sink, resumed !== undefined && !this.outlets.get(session)?.streams.has(resumed));
    const release = session.attachStream(() => sink.end());
    // A stream lasts no longer than the credential that opened it (D-10).
    const stopWatching = this.credentials.watch(caller.principal, () => sink.end());
    res.on('close', () => {
      this.connected.delete(sink);
      stopWatching();
      release();
    });
  }

  /** Shows proxies that quiet streams live. */
  keepAlive(): void {
    for (const sink of this.connected.keys()) sink.comment();
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
    for (const [session, { streams, stop }] of this.outlets) {
      for (const stream of streams) if (stream.isSpent(now)) streams.delete(stream);
      if (streams.size > 0 && !session.isEnded) continue;
      stop();
      this.outlets.delete(session);
    }
  }

  private begin({ session, principal }: { session: Session; principal: Principal }, sink: EventStream): void {
    const stream = this.logs.create(session);
    const outlet = this.outlets.get(session) ?? this.outletOf(session, principal);
    outlet.streams.add(stream);
    stream.open(sink);
  }

  private outletOf(session: Session, principal: Principal): Outlet {
    const streams = new Set<ResumableStream>();
    const send = (text: string): void => {
      const newest = [...streams].reverse();
      (newest.find(({ isAttached }) => isAttached) ?? newest[0])?.message(text);
    };
    const outlet = { streams, stop: this.announcements.listen(legacyListener(session, principal, send)) };
    this.outlets.set(session, outlet);
    return outlet;
  }
}

function dismiss(sink: EventStream): void {
  if (!sink.isOpen) return;
  sink.retryAfter(RETRY_MS);
  sink.end();
}
