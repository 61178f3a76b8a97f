export { decode, type Decoded, isMalformed } from './decode.js';
export { eraOf } from './era.js';
export {
  encodeError,
  encodeNotification,
  encodeResult,
  isNotification,
  isRequest,
  type Message,
  type NotificationMessage,
  type RequestId,
  type RequestMessage,
  type ResponseMessage,
  SerializedResult,
} from './json-rpc.js';
export {
  isLegacyRevision,
  LEGACY_REVISIONS,
  type LegacyRevision,
  negotiate,
  type Revision,
  type RevisionRules,
  rulesOf,
} from './revisions.js';
