export { decode, DECODE_LIMITS, type Decoded, type DecodeLimits, isMalformed, type Malformed } from './decode.js';
export { eraOf, PROTOCOL_VERSION_META } from './era.js';
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
  MODERN_REVISION,
  negotiate,
  type Revision,
  type RevisionRules,
  rulesOf,
} from './revisions.js';
