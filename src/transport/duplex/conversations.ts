import { Injectable, Logger } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { Clock } from '../../common/index.js';
import { Announcements, Dispatcher, legacyListener, type Reply } from '../../dispatch/index.js';
import { SessionService } from '../../session/index.js';
import { Connections } from '../connections/connections.js';
import { Doorkeeper } from '../connections/doorkeeper.js';
import { ENDING } from '../connections/ending.js';
import { AUTHENTICATE } from './greeting.js';
import type { ConnectionParts, Inbound } from './connection-parts.js';
import { ConnectionHost, DuplexConnection } from './duplex-connection.js';

/** Serves the connections of stdio, WebSocket, TCP and legacy SSE: one way for all of them. */
@Injectable()
export class Conversations extends ConnectionHost {
  private readonly logger = new Logger(Conversations.name);

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly sessions: SessionService,
    private readonly announcements: Announcements,
    private readonly doorkeeper: Doorkeeper,
    private readonly connections: Connections,
    private readonly clock: Clock,
  ) {
    super();
  }

  /**
   * Begins a connection. Whoever has its socket hands over what comes, and says when it is gone.
   * @param principal who is there; undefined where the client has yet to say so
   */
  open(parts: ConnectionParts, principal: Principal | undefined): DuplexConnection {
    const connection = new DuplexConnection(parts, this);
    if (parts.place) this.connections.add(connection);
    if (principal) this.connected(connection, principal);
    if (principal?.isAuthenticated && parts.place) {
      this.connections.journal.authenticated(connection, parts.provedBy ?? 'header');
    }
    return connection;
  }

  override now(): number {
    return this.clock.monotonic();
  }

  override async greet(inbound: Inbound, connection: DuplexConnection): Promise<void> {
    const { reply, principal, ending } = await this.doorkeeper.hear(inbound, connection);
    if (connection.ended) return;
    if (principal) {
      this.connected(connection, principal);
      this.connections.journal.authenticated(connection, AUTHENTICATE);
    }
    if (reply) connection.send(reply.text);
    if (ending) connection.close(ending);
  }

  override serve(inbound: Inbound, connection: DuplexConnection): Promise<Reply | undefined> {
    return this.dispatcher.receive(inbound, connection);
  }

  override served(reply: Reply | undefined, connection: DuplexConnection): void {
    if (connection.session && !connection.ties.hasSession) this.sessionOpened(connection);
    this.noteLimit(connection, reply);
  }

  override failed(error: unknown, connection: DuplexConnection): void {
    this.logger.error('A message could not be served', error instanceof Error ? error.stack : String(error));
    connection.close(ENDING.internal);
  }

  override ended(connection: DuplexConnection): void {
    const { session, runningCount, isProven, place, ties } = connection;
    ties.stopWatching?.();
    ties.stopListening?.();
    connection.calls.cancelAll('the client left');
    if (session) void this.sessions.end(session, 'disconnected');
    if (isProven && place) this.connections.journal.disconnected(connection, runningCount);
  }

  override gone(connection: DuplexConnection): void {
    this.connections.remove(connection);
  }

  private connected(connection: DuplexConnection, principal: Principal): void {
    const { ties, isProven: wasProven } = connection;
    connection.prove(principal);
    ties.stopWatching?.();
    ties.stopWatching = this.doorkeeper.whileValid(principal, (ending) => connection.close(ending));
    if (!wasProven && connection.place) this.connections.journal.connected(connection);
  }

  /** What the session has to hear goes to its connection, and its end is the end of both. */
  private sessionOpened(connection: DuplexConnection): void {
    const { session, principal, ties } = connection;
    if (!session) return;
    ties.hasSession = true;
    if (connection.ended) {
      // It left while its session was made: nobody else will end it.
      void this.sessions.end(session, 'disconnected');
      return;
    }
    session.attachStream((reason) => connection.close(reason === 'shutdown' ? ENDING.shutdown : ENDING.sessionEnded));
    ties.stopListening = this.announcements.listen(legacyListener(session, principal, (text) => connection.send(text)));
  }

  /** Once for each time that a client comes to its limit: it may send ever so much above (S0-12). */
  private noteLimit(connection: DuplexConnection, reply: Reply | undefined): void {
    const { ties } = connection;
    const isLimited = reply?.kind === 'rate_limited';
    if (isLimited && !ties.isLimited && connection.place) this.connections.journal.tooOften(connection);
    ties.isLimited = isLimited;
  }
}
