import { createHash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { type BoundedSet, Places, Replicas, StoreBackend } from '../store/index.js';
import type { Session } from './session.js';
import type { SessionOwner } from './session-owner.js';
import { SessionTerms } from './session-terms.js';

const ALL = 'sessions';

/** Whose place, by the key of the session. */
export interface SessionPlace {
  readonly key: string;
  readonly owner: SessionOwner<Session>;
}

/** What became of a question for a place: `alone`, where this process has to decide by itself. */
export type SessionVerdict =
  'held' | 'alone' | { readonly limit: number; readonly isOfOwner: boolean; readonly oldest: string | undefined };

/**
 * The sessions of all replicas, counted together: all, and those of each proven caller. A session holds its place for as
 * long as it could be idle; those with work are kept by the sweep, and never give way. Sessions that live and die with a
 * connection count as connections instead.
 */
@Injectable()
export class SessionPlaces {
  private readonly logger = new Logger('Sessions');
  private readonly places: Places | undefined;
  private isTold = false;

  constructor(
    { counters }: StoreBackend,
    private readonly terms: SessionTerms,
    private readonly replicas: Replicas,
  ) {
    this.places = counters && new Places(counters, terms.longestIdleMs);
  }

  /** Whether there may be sessions elsewhere. */
  get areShared(): boolean {
    return this.places !== undefined;
  }

  /** The caps of this process alone, while the others cannot be asked (D-23). */
  get portions(): { readonly max: number; readonly maxPerClient: number } {
    const { max, maxPerClient } = this.terms.limits;
    return { max: this.replicas.portionOf(max), maxPerClient: this.replicas.portionOf(maxPerClient) };
  }

  async take(place: SessionPlace): Promise<SessionVerdict> {
    if (!this.places) return 'alone';
    try {
      const refusal = await this.places.take(memberOf(place), this.setsOf(place));
      this.isTold = false;
      if (!refusal) return 'held';
      const { max: limit, set, oldest } = refusal;
      return { limit, isOfOwner: set !== ALL, oldest };
    } catch {
      this.tell();
      return 'alone';
    }
  }

  /** Keeps the places of sessions: those in use cannot give way. */
  keep(sessions: readonly SessionPlace[], isInUse: boolean): void {
    if (!this.places) return;
    const members = new Map<string, string[]>();
    for (const place of sessions) {
      for (const { set } of this.setsOf(place)) members.set(set, [...(members.get(set) ?? []), memberOf(place)]);
    }
    for (const [set, own] of members) this.places.keep(set, own, isInUse).catch(() => this.tell());
  }

  release(place: SessionPlace): void {
    this.free(memberOf(place));
  }

  /** Gives back the place of whoever has to give way, wherever that session is. @param member as it was told */
  free(member: string): void {
    const [, owner] = member.split('@');
    const sets = [{ set: ALL }, ...(owner ? [{ set: `${ALL}:${owner}` }] : [])];
    // What cannot be given back now is given back by itself, when its time is over.
    this.places?.release(member, sets).catch(() => this.tell());
  }

  private setsOf({ owner }: SessionPlace): readonly BoundedSet[] {
    const { max, maxPerClient } = this.terms.limits;
    const all = { set: ALL, max };
    // Unproven callers are many people under one name.
    return owner.isProven ? [{ set: `${ALL}:${digestOf(owner)}`, max: maxPerClient }, all] : [all];
  }

  /** Once for each time that the store is lost. */
  private tell(): void {
    if (!this.isTold) this.logger.warn('Redis is out of reach: this replica counts its portion of the sessions');
    this.isTold = true;
  }
}

/** @returns the key of the session that holds a place */
export function keyOfMember(member: string): string {
  return member.split('@')[0] as string;
}

function memberOf({ key, owner }: SessionPlace): string {
  return owner.isProven ? `${key}@${digestOf(owner)}` : key;
}

/** Who it is, is nobody's business in the store. */
function digestOf({ issuer, subject }: SessionOwner<Session>): string {
  return createHash('sha256').update(`${issuer}\n${subject}`).digest('base64url').slice(0, 22);
}
