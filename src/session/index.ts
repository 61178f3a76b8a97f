export { ClientCapabilities } from './capabilities.js';
export type { ClientInfo } from './client-info.js';
export { SESSION_LOG_LEVELS, type SessionLogLevel } from './log-level.js';
export { MAX_SEALED_CHARS, Sealer, type SealPurpose } from './sealer.js';
export { type CloseStream, hashOfId, type InFlightCall, Session, type SessionEndReason } from './session.js';
export { SessionModule } from './session.module.js';
export { type OpenSession, SessionService } from './session.service.js';
