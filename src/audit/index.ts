export { type AuditEntry, AuditLog } from './audit-log.js';
export { AuditModule } from './audit.module.js';
export { LoggerSecurityLog, type SecurityDetails, type SecurityEvent, SecurityLog } from './security-log.js';
