import { Injectable } from '@nestjs/common';
import { Clock, ProtocolError } from '../../common/index.js';
import { RunningRequests } from '../../dispatch/index.js';
import { type Session, SessionService } from '../../session/index.js';
import { Connections } from '../connections/connections.js';

/** What is known of a session, for whoever operates the server (S3-2). */
export interface SessionContext {
  /** Stands for the session id: 16 hex digits. */
  readonly sessionId: string;
  /** `issuer/subject`. */
  readonly principal: string;
  /** How the client names itself; undefined after a restart, until its record was read. */
  readonly client: { readonly name: string; readonly version: string } | undefined;
  readonly userAgent: string | undefined;
  readonly remoteAddress: string | undefined;
  readonly door: string | undefined;
  readonly revision: string;
  /** ISO time, as the others. */
  readonly startedAt: string;
  readonly lastSeenAt: string;
  readonly runningRequests: number;
}

/** A request that runs (S3-5). */
export interface ActiveRequest {
  /** `req-` and a UUID: as logs name it. */
  readonly requestId: string;
  /** Of its session; undefined for one of 2026-07-28, which has none. */
  readonly sessionId: string | undefined;
}

/** @see REQUIREMENTS S3-10 */
export interface MultiClientMetrics {
  readonly sessions: {
    /** Opened since the start. */
    readonly totalSessions: number;
    /** Live now. */
    readonly activeSessions: number;
    /** ISO time at which the oldest live session began; null where there is none. */
    readonly connectionTime: string | null;
    /** ISO time of the last sign of life of any; null where there is none. */
    readonly lastActivity: string | null;
  };
  /** Clients that are served apart from each other: sessions. */
  readonly activeServers: number;
  readonly activeRequests: {
    readonly total: number;
    /** By session id, as {@link SessionContext} has it; those without requests are left out. */
    readonly bySession: Readonly<Record<string, number>>;
  };
  /** ISO time. */
  readonly timestamp: string;
}

/** What this process sees of its sessions and of what runs in them (S3-1 to S3-13). */
@Injectable()
export class SessionsSeen {
  constructor(
    private readonly sessions: SessionService,
    private readonly running: RunningRequests,
    private readonly connections: Connections,
    private readonly clock: Clock,
  ) {}

  /** Every live session, the oldest first. */
  contexts(): readonly SessionContext[] {
    const activity = this.activity();
    return this.byAge().map((session) => contextOf(session, activity));
  }

  /** @returns undefined where there is no such session here */
  context(sessionId: string): SessionContext | undefined {
    const session = this.find(sessionId);
    return session && contextOf(session, this.activity());
  }

  /** The requests of one session; none where there is no such session. */
  requestsOf(sessionId: string): readonly ActiveRequest[] {
    return this.requests().filter((request) => request.sessionId === sessionId);
  }

  /** The requests of all sessions, and of clients that need none. */
  requests(): readonly ActiveRequest[] {
    return this.running.origins.map(({ requestId, sessionHash }) => ({ requestId, sessionId: sessionHash }));
  }

  /**
   * Cancels what runs in a session, which goes on.
   * @returns how many requests there were; 0 where there is no such session (S3-12)
   */
  cancelBySession(sessionId: string): number {
    const cause = new ProtocolError('cancelled', 'Cancelled: by the operator');
    return this.find(sessionId)?.cancelAll(cause) ?? 0;
  }

  getMultiClientMetrics(): MultiClientMetrics {
    const live = this.sessions.list();
    const activity = this.activity();
    const requests = this.requests();
    const bySession: Record<string, number> = {};
    for (const { sessionId } of requests) {
      if (sessionId !== undefined) bySession[sessionId] = (bySession[sessionId] ?? 0) + 1;
    }
    return {
      sessions: {
        totalSessions: this.sessions.openedCount,
        activeSessions: live.length,
        connectionTime: isoOf(
          live.map(({ issuedAt }) => issuedAt),
          Math.min,
        ),
        lastActivity: isoOf(
          live.map((session) => lastSeenAt(session, activity)),
          Math.max,
        ),
      },
      activeServers: live.length,
      activeRequests: { total: requests.length, bySession },
      timestamp: new Date(this.clock.now()).toISOString(),
    };
  }

  private find(sessionId: string): Session | undefined {
    return this.sessions.list().find(({ idHash }) => idHash === sessionId);
  }

  /**
   * When messages last went over the connections of sessions that have one, ms since the epoch: those are never idle, and
   * nobody else notes it.
   */
  private activity(): ReadonlyMap<Session, number> {
    const offset = this.clock.now() - this.clock.monotonic();
    const times = new Map<Session, number>();
    for (const { session, activeAt } of this.connections) if (session) times.set(session, activeAt + offset);
    return times;
  }

  private byAge(): readonly Session[] {
    return this.sessions.list().sort((one, other) => one.issuedAt - other.issuedAt);
  }
}

function contextOf(session: Session, activity: ReadonlyMap<Session, number>): SessionContext {
  const { clientInfo, origin } = session;
  return {
    sessionId: session.idHash,
    principal: `${session.issuer}/${session.subject}`,
    client: clientInfo && { name: clientInfo.name, version: clientInfo.version },
    userAgent: origin?.userAgent,
    remoteAddress: origin?.address,
    door: origin?.door,
    revision: session.revision,
    startedAt: new Date(session.issuedAt).toISOString(),
    lastSeenAt: new Date(lastSeenAt(session, activity)).toISOString(),
    runningRequests: session.runningCount,
  };
}

function lastSeenAt(session: Session, activity: ReadonlyMap<Session, number>): number {
  return activity.get(session) ?? session.lastSeenAt;
}

/** Step by step: there may be more sessions than a call takes arguments. */
function isoOf(times: readonly number[], pick: (one: number, other: number) => number): string | null {
  return times.length === 0 ? null : new Date(times.reduce((one, other) => pick(one, other))).toISOString();
}
