import { randomBytes } from 'node:crypto';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { SecurityLog } from '../audit/index.js';
import type { Principal } from '../auth/index.js';
import { isGatehouseError, type JsonObject, ProtocolError } from '../common/index.js';
import { type LegacyRevision, logSeverity, type RequestId } from '../protocol/index.js';
import type { SessionRecord } from '../store/index.js';
import { ClientCapabilities } from './capabilities.js';
import { type ClientInfo, keptClientInfo } from './client-info.js';
import { openSession, sealSession, type SessionIdentity } from './sealed-session.js';
import { Sealer } from './sealer.js';
import { keptOrigin, type SessionOrigin } from './session-origin.js';
import { hashOfId, Session, type SessionEndReason } from './session.js';
import { type PeerNews, SessionPeers } from './session-peers.js';
import { keyOfMember, type SessionPlace, SessionPlaces } from './session-places.js';
import { SessionRecords } from './session-records.js';
import { refuseSession, SessionRegistry } from './session-registry.js';
import { SessionTerms } from './session-terms.js';

const KEY_BYTES = 16;
/** Sessions that are asked to give way to one: others come meanwhile. */
const MAX_TRIES = 5;

/** What `initialize` says about a new session. */
export interface OpenSession {
  readonly principal: Principal;
  readonly revision: LegacyRevision;
  /** `params.capabilities`, as the client sent it. */
  readonly capabilities: JsonObject;
  readonly clientInfo?: ClientInfo | undefined;
  readonly origin?: SessionOrigin | undefined;
  /**
   * Whether the session gets a sealed id, which any connection and any replica can bring back. Otherwise it lives and
   * dies with its connection: whoever owns that ends it.
   */
  readonly sealed: boolean;
}

/** Opens, finds and ends sessions. @see DESIGN decision 3, D-7, D-8, D-11; src/session/README.md */
@Injectable()
export class SessionService implements OnModuleInit {
  private readonly logger = new Logger(SessionService.name);
  private readonly registry: SessionRegistry;
  private readonly rebuilds = new Map<string, Promise<Session | undefined>>();
  private isClosed = false;
  private opened = 0;

  constructor(
    private readonly terms: SessionTerms,
    private readonly sealer: Sealer,
    private readonly records: SessionRecords,
    private readonly security: SecurityLog,
    private readonly peers: SessionPeers,
    private readonly places: SessionPlaces,
  ) {
    this.registry = new SessionRegistry(terms);
  }

  onModuleInit(): void {
    this.peers.listen((news) => this.heard(news));
  }

  /** Live sessions of this process. */
  get count(): number {
    return this.registry.count;
  }

  /** Sessions that were opened in this process so far. */
  get openedCount(): number {
    return this.opened;
  }

  /** The live sessions of this process, in no promised order. */
  list(): Session[] {
    return [...this.registry];
  }

  /**
   * Opens a session. At a cap, the session that was used longest ago and has neither stream nor running call ends.
   * @returns a promise only where sessions of other replicas count too
   * @throws ProtocolError session_limit: at a cap, and all sessions are in use
   * @throws ProtocolError invalid_request: the names of the principal do not fit into an id
   * @throws ProtocolError shutting_down
   */
  open(opening: OpenSession): Session | Promise<Session> {
    const { principal, revision, capabilities, sealed } = opening;
    const issuedAt = this.terms.now();
    const identity: SessionIdentity = {
      key: randomBytes(KEY_BYTES).toString('hex'),
      issuer: principal.issuer,
      subject: principal.subject,
      revision,
      capabilities: ClientCapabilities.read(capabilities),
      issuedAt,
      expiresAt: sealed ? this.terms.expiryOf(issuedAt) : Infinity,
    };
    return sealed && this.places.areShared ? this.enterAmongAll(opening, identity) : this.enter(opening, identity);
  }

  /**
   * Finds a session that is in this process, and notes a sign of life. For the hot path: where it finds nothing,
   * {@link find} has the answer.
   */
  peek(id: string, principal: Principal): Session | undefined {
    const session = this.registry.get(id);
    if (!session || !isOwnedBy(session, principal)) return undefined;
    const now = this.terms.now();
    if (!this.isAlive(session, now)) return undefined;
    this.note(session, now);
    return session;
  }

  /**
   * Finds a session by its sealed id, rebuilds it where this process does not have it, and notes a sign of life.
   * @param id anything that a caller sent
   * @returns undefined when the id is forged, expired or ended, or somebody else's: no caller can tell which
   * @throws ProtocolError session_limit, shutting_down: the session is good, and cannot be rebuilt here now
   */
  async find(id: string, principal: Principal): Promise<Session | undefined> {
    const cached = this.peek(id, principal);
    if (cached) return cached;
    const identity = openSession(this.sealer, id);
    const details = { sessionId: hashOfId(id), principal: nameOf(principal) };
    if (!identity) return this.refuse('invalid_input', { ...details, error: 'The session id does not open' });
    if (!isOwnedBy(identity, principal)) return this.refuse('session_hijack_attempt', details);
    if (identity.expiresAt <= this.terms.now())
      return this.refuse('session_expired', { ...details, reason: 'expired' });
    const session = this.current(id) ?? (await this.rebuild(id, identity, principal));
    if (!session || session.isEnded) return this.refuse('session_expired', { ...details, reason: 'ended' });
    const now = this.terms.now();
    if (this.isAlive(session, now)) {
      this.note(session, now);
      return session;
    }
    await this.logged(this.end(session, 'idle'));
    return undefined;
  }

  /** Notes a sign of life. */
  touch(session: Session): void {
    if (!session.isEnded) this.note(session, this.terms.now());
  }

  /**
   * Ends a session: its calls are aborted and its streams closed at once, and its id never opens again.
   * @returns when that is durable
   * @throws Error the store could not make it durable; the session is over in this process all the same
   */
  async end(session: Session, reason: Exclude<SessionEndReason, 'shutdown'>): Promise<void> {
    this.drop(session, reason);
    if (session.id === undefined) return;
    this.places.release(session);
    if (session.expiresAt <= this.terms.now()) return;
    try {
      await this.records.bury(session.key, session.expiresAt);
    } finally {
      this.peers.tell({ kind: 'ended', key: session.key });
    }
  }

  /** Lets other replicas know what the client has set: its log level, its subscriptions. */
  async share(session: Session): Promise<void> {
    if (!this.peers.areThere || session.id === undefined) return;
    await this.records.write(session, this.terms.now());
    this.peers.tell({ kind: 'changed', key: session.key });
  }

  /** Cancels a call of a session that may run at another replica. */
  cancelElsewhere({ id, key }: Session, requestId: RequestId, why: string): void {
    if (id !== undefined) this.peers.tell({ kind: 'cancel', key, requestId, why });
  }

  /**
   * Ends what has been idle for too long or is too old, and keeps the records of busy sessions fresh.
   * @param now ms since the epoch
   * @returns how many sessions ended
   */
  async sweep(now = this.terms.now()): Promise<number> {
    const ends: Promise<void>[] = [];
    for (const session of this.registry) {
      if (session.expiresAt <= now) ends.push(this.logged(this.end(session, 'expired')));
      else if (!this.isAlive(session, now)) ends.push(this.logged(this.retire(session, now)));
      else if (session.isBusy) this.note(session, now);
      else this.records.writeIfDue(session, now);
    }
    if (this.places.areShared) this.places.keep(this.list().filter(isSealedAndBusy), true);
    await Promise.all([...ends, this.records.retry(now)]);
    return ends.length;
  }

  /** Lets all sessions go at shutdown: calls and streams end, ids stay good for the next process. */
  async closeAll(): Promise<void> {
    this.isClosed = true;
    const now = this.terms.now();
    const writes: Promise<void>[] = [];
    for (const session of this.registry) {
      if (session.isBusy) this.registry.saw(session, now);
      this.drop(session, 'shutdown');
      if (session.isDirty) writes.push(this.records.write(session, now));
    }
    await Promise.all(writes);
  }

  private enter(
    { principal, clientInfo, origin, sealed }: OpenSession,
    identity: SessionIdentity,
    limits?: Admission['limits'],
  ): Session {
    const { issuedAt } = identity;
    const id = sealed ? sealSession(this.sealer, identity) : undefined;
    const record = { lastSeenAt: issuedAt, ...(clientInfo && { clientInfo: keptClientInfo(clientInfo) }) };
    const session = this.admit(principal, { id, identity, record, limits, origin: origin && keptOrigin(origin) });
    this.opened += 1;
    void this.records.write(session, issuedAt);
    this.security.emit('session_created', { sessionId: session.idHash, principal: nameOf(principal) });
    return session;
  }

  /** @throws ProtocolError session_limit */
  private async enterAmongAll(opening: OpenSession, identity: SessionIdentity): Promise<Session> {
    const place = { key: identity.key, owner: this.registry.ownerOf(opening.principal) };
    const isAlone = !(await this.takePlace(place, opening.principal));
    try {
      return this.enter(opening, identity, isAlone ? this.places.portions : undefined);
    } catch (error) {
      this.places.release(place);
      throw error;
    }
  }

  /**
   * Counts a session among those of all replicas; at a cap, the one that was used longest ago gives way, wherever it is.
   * @returns false where this process has to decide by itself
   * @throws ProtocolError session_limit
   */
  private async takePlace(place: SessionPlace, principal: Principal): Promise<boolean> {
    for (let tries = 0; ; tries++) {
      const verdict = await this.places.take(place);
      if (typeof verdict === 'string') return verdict === 'held';
      const { oldest, limit, isOfOwner } = verdict;
      if (oldest !== undefined && tries < MAX_TRIES) {
        await this.logged(this.giveWay(oldest));
        continue;
      }
      this.security.emit('session_limit', { principal: nameOf(principal) });
      return refuseSession(limit, isOfOwner ? 'of this caller' : 'of this server');
    }
  }

  private async giveWay(member: string): Promise<void> {
    const key = keyOfMember(member);
    const session = this.registry.withKey(key);
    // Its work began since the sweep saw it last.
    if (session?.isBusy) return this.places.keep([session], true);
    if (session) return this.end(session, 'gave_way');
    this.places.free(member);
    try {
      await this.records.bury(key, this.terms.expiryOf(this.terms.now()));
    } finally {
      this.peers.tell({ kind: 'ended', key });
    }
  }

  /** The session where it is in this process, and not so old that another replica may know better. */
  private current(id: string): Session | undefined {
    const session = this.registry.get(id);
    if (!session || !this.peers.areThere || this.isAlive(session, this.terms.now())) return session;
    this.drop(session, 'elsewhere');
    return undefined;
  }

  /** Ends a session that was idle for too long here, unless it was used elsewhere. */
  private async retire(session: Session, now: number): Promise<void> {
    if (!this.peers.areThere || session.id === undefined) return this.end(session, 'idle');
    const record = await this.records.read(session.key);
    const isUsed = record !== undefined && record !== 'ended' && !this.terms.wasIdleTooLong(record.lastSeenAt, now);
    if (isUsed || record === 'ended') this.drop(session, 'elsewhere');
    else await this.end(session, 'idle');
  }

  private heard(news: PeerNews): void {
    const session = this.registry.withKey(news.key);
    if (!session) return;
    if (news.kind === 'ended') this.drop(session, 'deleted');
    else if (news.kind === 'cancel') session.cancel(news.requestId, news.why);
    else void this.logged(this.refresh(session));
  }

  private async refresh(session: Session): Promise<void> {
    const record = await this.records.read(session.key);
    if (record === 'ended') this.drop(session, 'deleted');
    else if (record) session.adopt(logSeverity(record.logLevel), record.subscriptions ?? []);
  }

  /** Two requests that come with an id at the same time share one session. */
  private rebuild(id: string, identity: SessionIdentity, principal: Principal): Promise<Session | undefined> {
    const running = this.rebuilds.get(id);
    if (running) return running;
    const rebuild = this.load(id, identity, principal).finally(() => this.rebuilds.delete(id));
    this.rebuilds.set(id, rebuild);
    return rebuild;
  }

  private async load(id: string, identity: SessionIdentity, principal: Principal): Promise<Session | undefined> {
    const record = await this.records.read(identity.key);
    if (record === 'ended') return undefined;
    const now = this.terms.now();
    if (record && this.terms.wasIdleTooLong(record.lastSeenAt, now)) {
      await this.logged(this.records.bury(identity.key, identity.expiresAt));
      return undefined;
    }
    return this.admit(principal, { id, identity, record: { ...record, lastSeenAt: now } });
  }

  private admit(principal: Principal, { id, identity, record, origin, limits }: Admission): Session {
    if (this.isClosed) throw new ProtocolError('shutting_down', 'The server is shutting down: try again');
    this.makeRoomFor(principal, limits);
    const session = new Session({
      ...identity,
      ...record,
      id,
      origin,
      owner: this.registry.ownerOf(principal),
      watch: this.registry,
      logLevel: logSeverity(record.logLevel),
    });
    this.registry.add(session);
    return session;
  }

  private makeRoomFor(principal: Principal, limits: Admission['limits']): void {
    try {
      let idle = this.registry.inTheWayOf(principal, limits);
      while (idle) {
        // Where all are counted elsewhere, what is here is a copy: only that gives way.
        if (this.places.areShared) this.drop(idle, 'elsewhere');
        else void this.logged(this.end(idle, 'gave_way'));
        idle = this.registry.inTheWayOf(principal, limits);
      }
    } catch (error) {
      if (isGatehouseError(error)) this.security.emit('session_limit', { principal: nameOf(principal) });
      throw error;
    }
  }

  private isAlive(session: Session, now: number): boolean {
    return session.expiresAt > now && (session.isBusy || !this.terms.isIdleTooLong(session.lastSeenAt, now));
  }

  private note(session: Session, now: number): void {
    this.registry.saw(session, now);
    const isDue = this.records.writeIfDue(session, now);
    if (isDue && session.id !== undefined) this.places.keep([session], session.isBusy);
  }

  private drop(session: Session, reason: SessionEndReason): void {
    if (!this.registry.remove(session)) return;
    const count = session.close(reason);
    const sessionId = session.idHash;
    this.logger.debug(`Session ${sessionId} ended: ${reason}`);
    if (count > 0) this.security.emit('requests_cancelled', { sessionId, count, reason });
    if (reason === 'idle' || reason === 'expired') {
      this.security.emit('session_expired', { sessionId, principal: nameOf(session), reason });
    }
  }

  /** For ends that nobody waits for: the tombstone holds in this process, and the next sweep tries again to write it. */
  private async logged(end: Promise<void>): Promise<void> {
    try {
      await end;
    } catch (error) {
      this.logger.warn(`The end of a session is not durable yet: ${String(error)}`);
    }
  }

  private refuse(...event: Parameters<SecurityLog['emit']>): undefined {
    this.security.emit(...event);
    return undefined;
  }
}

interface Admission {
  readonly id: string | undefined;
  readonly identity: SessionIdentity;
  readonly record: SessionRecord;
  readonly origin?: SessionOrigin | undefined;
  /** Other caps than those of the settings. */
  readonly limits?: { readonly max: number; readonly maxPerClient: number } | undefined;
}

interface Named {
  readonly issuer: string;
  readonly subject: string;
}

function isOwnedBy(session: Named, { issuer, subject }: Principal): boolean {
  return session.subject === subject && session.issuer === issuer;
}

function isSealedAndBusy({ id, isBusy }: Session): boolean {
  return id !== undefined && isBusy;
}

function nameOf({ issuer, subject }: Named): string {
  return `${issuer}/${subject}`;
}
