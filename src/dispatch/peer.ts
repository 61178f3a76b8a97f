import { isJsonObject, ProtocolError } from '../common/index.js';
import {
  type Envelope,
  LOG_SEVERITIES,
  type LogSeverity,
  logSeverity,
  MODERN_REVISION,
  type Revision,
  type RevisionRules,
  rulesOf,
} from '../protocol/index.js';
import { ClientCapabilities, type Session } from '../session/index.js';

/** Least severe log message that a legacy client gets while it has set no level. */
const DEFAULT_LOG_LEVEL: LogSeverity = 'info';

/** What is known of the client that sent a request: by its session, or by the envelope of the request itself. */
export interface Peer {
  readonly era: 'legacy' | 'modern';
  readonly revision: Revision;
  readonly rules: RevisionRules;
  readonly capabilities: ClientCapabilities;
  /** Least severe log message that it wants; undefined means none. */
  readonly logLevel: LogSeverity | undefined;
  readonly progressToken: string | number | undefined;
  readonly sessionHash: string | undefined;
  /** Whether it takes a task in place of a result. */
  readonly hasTasks: boolean;
}

/** @see SEP-2663 */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';
const NEEDS_TASKS = { extensions: { [TASKS_EXTENSION]: {} } };

/** @throws ProtocolError missing_capability */
export function requireTasks({ hasTasks }: Peer): void {
  if (hasTasks) return;
  throw new ProtocolError('missing_capability', 'This needs a client that declares the tasks extension', {
    data: { requiredCapabilities: NEEDS_TASKS },
  });
}

const MODERN_RULES = rulesOf(MODERN_REVISION);

/** @param progressToken of the request's `_meta` */
export function legacyPeer(session: Session, progressToken: string | number | undefined): Peer {
  return {
    era: 'legacy',
    revision: session.revision,
    rules: rulesOf(session.revision),
    capabilities: session.clientCapabilities,
    logLevel: session.logLevel ?? DEFAULT_LOG_LEVEL,
    progressToken,
    sessionHash: session.idHash,
    hasTasks: false,
  };
}

/** @throws ProtocolError invalid_params: no such log level */
export function modernPeer({ capabilities, logLevel, progressToken }: Envelope): Peer {
  const level = logSeverity(logLevel);
  if (logLevel !== undefined && !level) {
    throw new ProtocolError(
      'invalid_params',
      `Invalid params: the log level must be one of ${LOG_SEVERITIES.join(', ')}`,
    );
  }
  return {
    era: 'modern',
    revision: MODERN_REVISION,
    rules: MODERN_RULES,
    capabilities: ClientCapabilities.read(capabilities),
    logLevel: level,
    progressToken,
    sessionHash: undefined,
    hasTasks: isJsonObject(capabilities['extensions']) && isJsonObject(capabilities['extensions'][TASKS_EXTENSION]),
  };
}
