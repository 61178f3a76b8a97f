import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { ConfigReload, type ReloadOutcome } from '../config/index.js';
import { SecurityLog } from './security-log.js';

/** Writes down what came of each reload of the settings: what changed, or all that is wrong with them (S4-38). */
@Injectable()
export class ReloadEvents implements OnModuleInit {
  private readonly logger = new Logger('Settings');

  constructor(
    private readonly reloads: ConfigReload,
    private readonly security: SecurityLog,
  ) {}

  onModuleInit(): void {
    this.reloads.onOutcome((outcome) => this.record(outcome));
  }

  private record(outcome: ReloadOutcome): void {
    if (!outcome.isAccepted) {
      const { faults } = outcome;
      this.security.emit('config_rejected', { faults: faults.length });
      this.logger.error('The settings were read again and have faults: those before stay');
      for (const fault of faults) this.logger.error(fault);
      return;
    }
    const { changed, needsRestart } = outcome;
    this.security.emit('config_reloaded', { keys: changed.join(','), needsRestart: needsRestart.join(',') });
    this.logger.log(`The settings were read again; changed: ${changed.join(', ') || 'nothing'}`);
    if (needsRestart.length > 0) this.logger.warn(`These hold after a restart: ${needsRestart.join(', ')}`);
  }
}
