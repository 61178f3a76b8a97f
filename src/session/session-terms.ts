import { Injectable } from '@nestjs/common';
import { Clock } from '../common/index.js';
import { AppConfig, type SessionSettings } from '../config/index.js';

/** Least pause between two writes of one session's record (DESIGN D-8). */
export const RECORD_INTERVAL_MS = 30_000;

/** When sessions end, and how many there may be. */
@Injectable()
export class SessionTerms {
  readonly limits: Pick<SessionSettings, 'max' | 'maxPerClient'>;
  readonly sweepIntervalMs: number;
  private readonly timeoutMs: number;
  private readonly maxAgeMs: number;

  constructor(
    { sessions }: AppConfig,
    private readonly clock: Clock,
  ) {
    this.limits = { max: sessions.max, maxPerClient: sessions.maxPerClient };
    this.sweepIntervalMs = sessions.cleanupIntervalMs;
    this.timeoutMs = sessions.timeoutMs;
    this.maxAgeMs = sessions.maxAgeMs;
  }

  /** Wall time, ms since the epoch. */
  now(): number {
    return this.clock.now();
  }

  /** When a session that is issued at a time ends, busy or not. */
  expiryOf(issuedAt: number): number {
    return issuedAt + this.maxAgeMs;
  }

  isIdleTooLong(lastSeenAt: number, now: number): boolean {
    return now - lastSeenAt > this.timeoutMs;
  }

  /** The longest that the record of a session may be silent while the session lives, ms. */
  get longestIdleMs(): number {
    return this.timeoutMs + RECORD_INTERVAL_MS + this.sweepIntervalMs;
  }

  /** The same for a time read from a record, which is behind by an interval, and for a busy session by a sweep. */
  wasIdleTooLong(recordedSeenAt: number, now: number): boolean {
    return now - recordedSeenAt > this.longestIdleMs;
  }
}
