import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { type IncidentChange, Incidents, subjectKey } from '../auth/index.js';
import { SessionService } from './session.service.js';

/** Ends the sessions of a principal who is put into quarantine: calls and streams at once, the ids for good. */
@Injectable()
export class SessionEviction implements OnModuleInit {
  private readonly logger = new Logger(SessionEviction.name);

  constructor(
    private readonly incidents: Incidents,
    private readonly sessions: SessionService,
  ) {}

  onModuleInit(): void {
    this.incidents.onChange((change) => this.act(change));
  }

  private act({ incident: { scope }, change }: IncidentChange): void {
    if (change !== 'started' || scope.kind !== 'principal') return;
    const key = subjectKey(scope);
    for (const session of this.sessions.list().filter((open) => subjectKey(open) === key)) void this.end(session);
  }

  private async end(session: Parameters<SessionService['end']>[0]): Promise<void> {
    try {
      await this.sessions.end(session, 'revoked');
    } catch (error) {
      // It has ended here; the next sweep writes its tombstone.
      this.logger.warn(`The end of a session is not durable yet: ${String(error)}`);
    }
  }
}
