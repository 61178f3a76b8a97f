import { Module } from '@nestjs/common';
import { Clock } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import type { AuditFileOptions } from './audit-file.js';
import { AuditLog } from './audit-log.js';
import { auditPath } from './audit-path.js';
import { FileAuditLog, newRun } from './file-audit-log.js';
import { LoggerAuditLog } from './logger-audit-log.js';
import { ReloadEvents } from './reload-events.js';
import { SecurityLog } from './security-log.js';
import { StderrSecurityLog } from './stderr-security-log.js';
import { ThreadAuditSink } from './thread-audit-sink.js';

@Module({
  providers: [
    { provide: AuditLog, inject: [AppConfig, Clock], useFactory: auditLogOf },
    ReloadEvents,
    { provide: SecurityLog, useClass: StderrSecurityLog },
  ],
  exports: [AuditLog, SecurityLog],
})
export class AuditModule {}

function auditLogOf({ audit, logging }: AppConfig, clock: Clock): AuditLog {
  if (audit.file === undefined) return new LoggerAuditLog(logging.level === 'debug');
  const options: AuditFileOptions = {
    path: auditPath(audit.file),
    maxBytes: audit.maxFileBytes,
    backupCount: audit.backupCount,
    keepArguments: audit.keepArguments === 'redacted' ? 'redacted' : 'digest',
    isSynced: audit.required,
    ...newRun(),
  };
  return new FileAuditLog(new ThreadAuditSink(options), audit, clock);
}
