import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../common/index.js';
import type { Principal } from './principal.js';

const SWEEP_MS = 1_000;

/** Why what a credential opened has to close. */
export type CredentialEnd = 'expired' | 'revoked';

interface Watched {
  readonly principal: Principal;
  end(why: CredentialEnd): void;
}

/**
 * What lives longer than one request, and was opened with a credential: connections and streams. They close when it
 * expires, within a second, or is revoked, at once (D-10). One timer for all.
 */
@Injectable()
export class CredentialWatch implements OnModuleInit, OnApplicationShutdown {
  private readonly watched = new Set<Watched>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly clock: Clock) {}

  onModuleInit(): void {
    this.timer = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  get size(): number {
    return this.watched.size;
  }

  /**
   * @param end is called once, when the credential of the principal has ended
   * @returns what ends the watch
   */
  watch(principal: Principal, end: (why: CredentialEnd) => void): () => void {
    const watched: Watched = { principal, end };
    this.watched.add(watched);
    return () => this.watched.delete(watched);
  }

  /** Ends all that was opened by principals that match. @returns how many */
  revoke(matches: (principal: Principal) => boolean): number {
    return this.endWhere(({ principal }) => matches(principal), 'revoked');
  }

  sweep(): void {
    const now = this.clock.now();
    this.endWhere(({ principal: { expiresAt } }) => expiresAt !== undefined && expiresAt <= now, 'expired');
  }

  private endWhere(isOver: (watched: Watched) => boolean, why: CredentialEnd): number {
    let count = 0;
    for (const watched of this.watched) {
      if (!isOver(watched)) continue;
      this.watched.delete(watched);
      count += 1;
      watched.end(why);
    }
    return count;
  }
}
