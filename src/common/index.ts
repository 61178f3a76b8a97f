export { canonicalJson } from './canonical-json.js';
export { Clock, SystemClock } from './clock.js';
export { ERROR_CODES, type ErrorCode, type ErrorKind } from './errors/error-codes.js';
export { errorTypeOf, type ToolErrorType } from './errors/error-types.js';
export {
  GatehouseError,
  type GatehouseErrorOptions,
  isGatehouseError,
  ProtocolError,
  ToolError,
} from './errors/gatehouse-error.js';
export { explainListenError, type ListenPlace } from './errors/listen-error.js';
export { type Problem, type ProblemFacts, problemOf } from './errors/problem.js';
export { EXIT, StartError } from './errors/start-error.js';
export { newRequestId } from './ids.js';
export { isJsonObject, type JsonObject } from './json.js';
export { Lifecycle, type Phase } from './lifecycle.js';
export { printable, REDACTED, withoutTokens } from './redact.js';
export { redactFlags, redactWords } from './redact-flags.js';
export { stderrLines } from './stderr-lines.js';
export { VERSION } from './version.js';
