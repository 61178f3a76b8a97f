export { decode, type Decoded, findForbidden, isInitialize, isMalformed, type Malformed } from './decode.js';
export {
  type Envelope,
  eraOf,
  META,
  progressTokenOf,
  readEnvelope,
  revisionOf,
  SUPPORTED_REVISIONS,
} from './envelope.js';
export {
  encodeError,
  encodeNotification,
  encodeRequest,
  encodeResult,
  isNotification,
  isRequest,
  type Message,
  modernBody,
  type NotificationMessage,
  type RequestId,
  type RequestMessage,
  type ResponseMessage,
  SerializedResult,
} from './json-rpc.js';
export { LOG_SEVERITIES, type LogSeverity, logSeverity } from './log-severity.js';
export {
  isLegacyRevision,
  LEGACY_REVISIONS,
  type LegacyRevision,
  MODERN_REVISION,
  negotiate,
  type Revision,
  type RevisionRules,
  rulesOf,
} from './revisions.js';
