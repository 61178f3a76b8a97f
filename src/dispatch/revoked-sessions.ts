import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type Revocation, Revocations } from '../auth/index.js';
import { type Session, SessionService } from '../session/index.js';

/** Ends the sessions of whoever lost access (D-10). Their ids open for nobody any more. */
@Injectable()
export class RevokedSessions implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(RevokedSessions.name);
  private stop: () => void = () => undefined;

  constructor(
    private readonly revocations: Revocations,
    private readonly sessions: SessionService,
  ) {}

  onModuleInit(): void {
    this.stop = this.revocations.onRevoked((revocation) => this.end(revocation));
  }

  onApplicationShutdown(): void {
    this.stop();
  }

  private end(revocation: Revocation): void {
    for (const session of this.sessions.list()) {
      if (!isOf(session, revocation)) continue;
      // Over in this process at once; whatever the store does, no credential opens it any more either.
      this.sessions.end(session, 'revoked').catch((error: unknown) => {
        this.logger.warn(`The end of session ${session.idHash} is not durable yet: ${String(error)}`);
      });
    }
  }
}

/** Sessions are bound to their principal, not to a credential: all of them end with one of its credentials. */
function isOf(session: Session, revocation: Revocation): boolean {
  if (revocation.kind === 'session') return session.idHash === revocation.id;
  return session.issuer === revocation.issuer && session.subject === revocation.subject;
}
