import { Logger } from '@nestjs/common';
import { type AdminEntry, type AuditEntry, AuditLog } from './audit-log.js';

/** Writes calls that did not succeed to the log, and what operators do; the other calls at debug level. */
export class LoggerAuditLog extends AuditLog {
  private readonly logger = new Logger('Audit');

  /** @param isVerbose whether successful calls are written too */
  constructor(private readonly isVerbose: boolean) {
    super();
  }

  override record(entry: AuditEntry): void {
    if (entry.outcome === 'success') {
      if (this.isVerbose) this.logger.debug(entry);
    } else {
      this.logger.log(entry);
    }
  }

  override recordAdmin(entry: AdminEntry): void {
    this.logger.log(entry);
  }
}
