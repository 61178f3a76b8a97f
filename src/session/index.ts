export { ClientCapabilities } from './capabilities.js';
export type { ClientInfo } from './client-info.js';
export { Sealer, type SealPurpose } from './sealer.js';
export { type CloseStream, type InFlightCall, Session, type SessionEndReason } from './session.js';
export { keptOrigin, type SessionOrigin } from './session-origin.js';
export { SessionModule } from './session.module.js';
export { type OpenSession, SessionService } from './session.service.js';
