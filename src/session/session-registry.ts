import type { Principal } from '../auth/index.js';
import { ProtocolError } from '../common/index.js';
import { LruList } from './lru-list.js';
import { SessionOwner } from './session-owner.js';
import type { Session, SessionWatch } from './session.js';
import type { SessionTerms } from './session-terms.js';

/**
 * The live sessions of this process. Idle ones stand in the order of their last use, all together and per owner, so
 * that finding who gives way costs the same among 100,000; a busy one stands in neither list.
 */
export class SessionRegistry implements SessionWatch, Iterable<Session> {
  private readonly sessions = new Map<string, Session>();
  private readonly byKey = new Map<string, Session>();
  private readonly owners = new Map<string, Map<string, SessionOwner<Session>>>();
  private readonly idle = new LruList<Session>();

  constructor(private readonly terms: SessionTerms) {}

  get count(): number {
    return this.sessions.size;
  }

  [Symbol.iterator](): IterableIterator<Session> {
    return this.sessions.values();
  }

  /** @param id a sealed id; the inner key of a session that has none finds nothing */
  get(id: string): Session | undefined {
    const session = this.sessions.get(id);
    return session?.id === id ? session : undefined;
  }

  /** @param key of a session that has a sealed id */
  withKey(key: string): Session | undefined {
    return this.byKey.get(key);
  }

  /** The one instance that stands for a principal; a new one when it has no session. */
  ownerOf({ issuer, subject, isAuthenticated }: Principal): SessionOwner<Session> {
    return this.owners.get(issuer)?.get(subject) ?? new SessionOwner<Session>(issuer, subject, isAuthenticated);
  }

  /**
   * Who has to give way before a session of this principal can be added; to be asked again after it has.
   * @returns undefined when there is room
   * @throws ProtocolError session_limit: there is none, and everybody is busy
   */
  inTheWayOf(principal: Principal, limits = this.terms.limits): Session | undefined {
    const { max, maxPerClient } = limits;
    const owner = this.ownerOf(principal);
    // Unproven callers are many people under one name.
    if (principal.isAuthenticated && owner.count >= maxPerClient)
      return owner.oldest ?? refuseSession(maxPerClient, 'of this caller');
    if (this.count >= max) return this.idle.oldest ?? refuseSession(max, 'of this server');
    return undefined;
  }

  add(session: Session): void {
    const { owner } = session;
    this.sessions.set(session.id ?? session.key, session);
    if (session.id !== undefined) this.byKey.set(session.key, session);
    if (owner.count++ === 0) this.keepOwner(owner);
    if (!session.isBusy) this.becameIdle(session);
  }

  /** @returns false when the session is not there any more */
  remove(session: Session): boolean {
    const { owner } = session;
    if (!this.sessions.delete(session.id ?? session.key)) return false;
    this.byKey.delete(session.key);
    if (!session.isBusy) this.becameBusy(session);
    if (--owner.count === 0) this.forgetOwner(owner);
    return true;
  }

  /** Notes a sign of life. */
  saw(session: Session, now: number): void {
    session.lastSeenAt = now;
    session.isDirty = true;
    if (session.isBusy) return;
    this.idle.refresh(session.place);
    session.owner.refresh(session.placeOfOwner);
  }

  /** Called by a session of the registry. */
  becameBusy(session: Session): void {
    this.idle.remove(session.place);
    session.owner.remove(session.placeOfOwner);
  }

  /** Called by a session of the registry: the end of work is a sign of life. */
  becameIdle(session: Session): void {
    this.idle.append(session.place);
    session.owner.append(session.placeOfOwner);
  }

  private keepOwner(owner: SessionOwner<Session>): void {
    const ofIssuer = this.owners.get(owner.issuer);
    if (ofIssuer) ofIssuer.set(owner.subject, owner);
    else this.owners.set(owner.issuer, new Map([[owner.subject, owner]]));
  }

  private forgetOwner({ issuer, subject }: SessionOwner<Session>): void {
    const ofIssuer = this.owners.get(issuer);
    ofIssuer?.delete(subject);
    if (ofIssuer?.size === 0) this.owners.delete(issuer);
  }
}

/** @throws ProtocolError session_limit */
export function refuseSession(limit: number, whose: string): never {
  throw new ProtocolError(
    'session_limit',
    `Maximum session limit (${limit}) ${whose} reached, and all are in use: try again later`,
  );
}
