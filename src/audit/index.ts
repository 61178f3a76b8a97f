export { type AdminEntry, type AuditEntry, AuditLog, type AuditStatus, type KeptArguments } from './audit-log.js';
export { AuditModule } from './audit.module.js';
export { followLines, newestLines } from './audit-reader.js';
export { auditPath } from './audit-path.js';
export { type AuditQuery, recordOf, searchAudit } from './audit-search.js';
export { type Verdict, verifyAudit } from './audit-verifier.js';
export { type SecretPaths, secretPathsOf } from './secret-paths.js';
export { StderrSecurityLog } from './stderr-security-log.js';
export { type SecurityDetails, type SecurityEvent, SecurityLog, type SecurityNotice } from './security-log.js';
