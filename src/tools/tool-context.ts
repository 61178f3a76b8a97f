import type {
  CreateMessageRequestParams,
  CreateMessageResultWithTools,
  Root,
} from '@modelcontextprotocol/sdk/types.js';
import type { Principal } from '../auth/index.js';
import type { JsonObject } from '../common/index.js';
import type { LogSeverity } from '../protocol/index.js';
import type { CallLogger } from './call-logger.js';
import type { TraceContext } from './call-scope.js';
import type { ClientCapability } from './client-port.js';
import type { ElicitAnswer, ElicitFormRequest, ElicitUrlRequest } from './elicitation.js';

/** What to ask the client's model. */
export type SampleRequest = CreateMessageRequestParams;
/** What the client's model said: one block or several, which may use the tools that it was offered. */
export type SampleAnswer = CreateMessageResultWithTools;

/**
 * What a tool, resource or prompt is handed about the call that it serves.
 *
 * What asks the client takes a key, unique within the call. In the revisions to 2025-11-25 the handler waits for the
 * answer; in 2026-07-28 it is run again from the top on each round, and the same key then has the answer. So do nothing
 * with an effect before an answer is in, but through {@link CallContext.once}.
 */
export interface CallContext {
  /** Who calls. */
  readonly principal: Principal;
  /** Unique id of this call, as in logs and audit: `req-…`. */
  readonly requestId: string;
  /**
   * Aborted when the caller cancels or leaves, at the deadline, and when the server ends. Hand it on to what you await.
   */
  readonly signal: AbortSignal;
  /** W3C trace context of the request, to hand on to what you call; empty where the client sent none. */
  readonly trace: TraceContext;
  /** The server's log: what is written here carries the ids of the call and of its session. */
  readonly logger: CallLogger;
  /** When the call is ended, ms since the epoch. */
  readonly deadline: number;

  /**
   * Tells the client how far the work is; does nothing when the client did not ask for it.
   * @param progress grows with each call, any unit
   * @param total of the same unit, where it is known
   * @see MCP 2025-11-25, basic/utilities/progress
   */
  progress(progress: number, total?: number, message?: string): void;

  /**
   * Sends a log message to the client, when the level that it set lets it through. Deprecated by 2026-07-28, where it
   * is sent only to clients that ask for it with the request.
   * @param data any JSON value; never a secret
   * @see MCP 2025-11-25, server/utilities/logging
   */
  log(level: LogSeverity, data: unknown, logger?: string): void;

  /** Sends a notification of your own to the client, before the answer. */
  notify(method: string, params?: JsonObject): void;

  /** Whether the client declared that it can do something. */
  supports(capability: ClientCapability): boolean;

  /**
   * Asks the user, through the client.
   * @param key unique within the call
   * @returns what the user did
   * @throws ProtocolError missing_capability
   * @see MCP 2025-11-25, client/elicitation; MCP 2026-07-28, basic/patterns/mrtr
   */
  elicit(key: string, request: ElicitFormRequest | ElicitUrlRequest): Promise<ElicitAnswer>;

  /**
   * Asks the client's model. Deprecated by 2026-07-28: call a model of your own instead.
   * @param key unique within the call
   * @throws ProtocolError missing_capability
   * @see MCP 2025-11-25, client/sampling
   */
  sample(key: string, request: SampleRequest): Promise<SampleAnswer>;

  /**
   * Asks which folders the client works in. Deprecated by 2026-07-28: take them as arguments instead.
   * @param key unique within the call
   * @throws ProtocolError missing_capability
   * @see MCP 2025-11-25, client/roots
   */
  listRoots(key: string): Promise<readonly Root[]>;

  /**
   * Does something with an effect once, however often the handler is run again for the same call.
   * @param key unique within the call
   * @param work returns JSON
   */
  once<T>(key: string, work: () => T | Promise<T>): Promise<T>;

  /**
   * Makes the rest of the call a task, which the client asks for: for tools whose `task` option says that they start it
   * themselves. Does nothing for clients that do not know tasks.
   * @see SEP-2663
   */
  becomeTask(): Promise<void>;

  /**
   * Closes the stream of the answer and lets the client come back for it, so that a long call holds no connection. Only
   * where the client can resume: Streamable HTTP, since 2025-11-25.
   * @see MCP 2025-11-25, basic/transports, "Sending Messages to the Server"
   */
  closeStream(): void;
}

/** {@link CallContext}, as tools know it. */
export type ToolContext = CallContext;
