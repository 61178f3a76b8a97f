import { Injectable, Logger } from '@nestjs/common';
import { DurableStore, type SessionRecord, SessionStore } from '../store/index.js';
import type { Session } from './session.js';
import { RECORD_INTERVAL_MS } from './session-terms.js';
import { Tombstones } from './tombstones.js';

/** What of sessions outlasts the process besides their ids: a record that may be lost, and a tombstone that may not. */
@Injectable()
export class SessionRecords {
  private readonly logger = new Logger(SessionRecords.name);
  private readonly tombstones: Tombstones;
  private isFailing = false;

  constructor(
    private readonly store: SessionStore,
    durable: DurableStore,
  ) {
    this.tombstones = new Tombstones(durable);
  }

  /**
   * Writes the record, if there is something new and the last write is long enough ago.
   * @returns whether it was due
   */
  writeIfDue(session: Session, now: number): boolean {
    const isDue = session.isDirty && now - session.recordedAt >= RECORD_INTERVAL_MS;
    if (isDue) void this.write(session, now);
    return isDue;
  }

  /** Writes the record of a session that has an id. A failure is logged, and mended by the next write. */
  async write(session: Session, now: number): Promise<void> {
    if (session.id === undefined) return;
    session.recordedAt = now;
    session.isDirty = false;
    try {
      await this.store.put(session.key, recordOf(session), session.expiresAt);
      this.isFailing = false;
    } catch (error) {
      session.isDirty = true;
      this.complain('Session records cannot be written', error);
    }
  }

  /**
   * Reads what is kept about a session.
   * While the store is out of reach sessions live on with defaults: their ids alone say whose they are (D-23).
   * @returns `ended` when there is a tombstone; undefined when there is no record
   */
  async read(key: string): Promise<SessionRecord | 'ended' | undefined> {
    if (this.tombstones.isPending(key)) return 'ended';
    try {
      const [isEnded, record] = await Promise.all([this.tombstones.isDurable(key), this.store.get(key)]);
      return isEnded ? 'ended' : record;
    } catch (error) {
      this.complain('Session records cannot be read', error);
      return undefined;
    }
  }

  /**
   * Marks a session as ended for as long as its id could open; resolves when that is durable.
   * @throws Error the store could not make it durable; it holds in this process all the same
   */
  async bury(key: string, expiresAt: number): Promise<void> {
    const forget = this.store.delete(key).catch((error: unknown) => this.complain('A session record stays', error));
    await Promise.all([this.tombstones.put(key, expiresAt), forget]);
  }

  /** Tries again what could not be written. */
  retry(now: number): Promise<void> {
    return this.tombstones.retry(now);
  }

  /** Once per outage: there may be many thousand sessions. */
  private complain(what: string, error: unknown): void {
    if (!this.isFailing) this.logger.warn(`${what}: ${String(error)}`);
    this.isFailing = true;
  }
}

function recordOf({ lastSeenAt, clientInfo, logLevel, subscriptions }: Session): SessionRecord {
  return {
    lastSeenAt,
    ...(clientInfo && { clientInfo }),
    ...(logLevel && { logLevel }),
    ...(subscriptions.size > 0 && { subscriptions: [...subscriptions] }),
  };
}
