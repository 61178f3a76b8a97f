import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type IncidentChange, Incidents, type Revocation, Revocations, subjectKey } from '../auth/index.js';
import type { Session } from './session.js';
import { SessionService } from './session.service.js';

/**
 * Ends the sessions of who lost access (D-10): of a principal who is put into quarantine, and of one whose credential or
 * access was revoked. Calls and streams end at once, the ids for good.
 */
@Injectable()
export class SessionEviction implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(SessionEviction.name);
  private stops: readonly (() => void)[] = [];

  constructor(
    private readonly incidents: Incidents,
    private readonly revocations: Revocations,
    private readonly sessions: SessionService,
  ) {}

  onModuleInit(): void {
    this.stops = [
      this.incidents.onChange((change) => this.quarantined(change)),
      this.revocations.onRevoked((revocation) => this.revoked(revocation)),
    ];
  }

  onApplicationShutdown(): void {
    for (const stop of this.stops) stop();
  }

  private quarantined({ incident: { scope }, change }: IncidentChange): void {
    if (change === 'started' && scope.kind === 'principal') this.endAllOf(scope);
  }

  /** Sessions are bound to their principal, not to a credential: all of them end with one of its credentials. */
  private revoked(revocation: Revocation): void {
    if (revocation.kind === 'session') {
      this.endWhere(({ idHash }) => idHash === revocation.id);
      return;
    }
    const { issuer, subject } = revocation;
    if (issuer !== undefined && subject !== undefined) this.endAllOf({ issuer, subject });
  }

  private endAllOf(principal: { readonly issuer: string; readonly subject: string }): void {
    const key = subjectKey(principal);
    this.endWhere((session) => subjectKey(session) === key);
  }

  private endWhere(isOver: (session: Session) => boolean): void {
    for (const session of this.sessions.list().filter(isOver)) void this.end(session);
  }

  private async end(session: Session): Promise<void> {
    try {
      await this.sessions.end(session, 'revoked');
    } catch (error) {
      // It has ended here, and no credential of its principal opens it; the next sweep writes its tombstone.
      this.logger.warn(`The end of session ${session.idHash} is not durable yet: ${String(error)}`);
    }
  }
}
