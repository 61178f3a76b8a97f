import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { SessionService } from './session.service.js';
import { SessionTerms } from './session-terms.js';

/** The one timer of all sessions. */
@Injectable()
export class SessionSweeper implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(SessionSweeper.name);
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly sessions: SessionService,
    private readonly terms: SessionTerms,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => void this.sweep(), this.terms.sweepIntervalMs).unref();
  }

  onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    return this.sessions.closeAll();
  }

  private async sweep(): Promise<void> {
    try {
      await this.sessions.sweep();
    } catch (error) {
      this.logger.error('A sweep failed', error instanceof Error ? error.stack : String(error));
    }
  }
}
