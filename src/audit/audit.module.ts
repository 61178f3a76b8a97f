import { Module } from '@nestjs/common';
import { Clock } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { AuditLog } from './audit-log.js';
import { FileAuditLog } from './file-audit-log.js';
import { LoggerAuditLog } from './logger-audit-log.js';
import { ReloadEvents } from './reload-events.js';
import { LoggerSecurityLog, SecurityLog } from './security-log.js';

@Module({
  providers: [
    {
      provide: AuditLog,
      inject: [AppConfig, Clock],
      useFactory: ({ logging }: AppConfig, clock: Clock): AuditLog =>
        logging.auditFile ? new FileAuditLog(logging.auditFile, clock) : new LoggerAuditLog(logging.level === 'debug'),
    },
    ReloadEvents,
    { provide: SecurityLog, useClass: LoggerSecurityLog },
  ],
  exports: [AuditLog, SecurityLog],
})
export class AuditModule {}
