import type {
  CallToolResult,
  CompleteResult,
  GetPromptResult,
  LoggingLevel,
  Progress,
  Prompt,
  ReadResourceResult,
  Resource,
  ResourceTemplate,
  Tool,
} from '@modelcontextprotocol/sdk/types.js';
import type { Json, Message } from './messages.js';
import type { SpecRevision } from './wire/spec-schema.js';

/** Where a client finds its server: an endpoint, or a program that it starts itself. */
export type Target =
  | {
      readonly door: 'http';
      readonly url: string;
      /** Sent with every request. */
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly door: 'websocket' | 'sse'; readonly url: string }
  | { readonly door: 'tcp'; readonly port: number }
  | {
      readonly door: 'stdio';
      /** Arguments of the built program. */
      readonly args: string[];
      readonly env: Record<string, string>;
      readonly cwd: string;
      /** What stands between the client and the program. @returns the arguments of Node */
      readonly tap?: (args: readonly string[]) => string[];
    };

/** What a client is to be. */
export interface ClientOptions {
  /** The only revision that it may speak; {@link REVISION} when left out. */
  readonly revision?: SpecRevision;
  /** What it declares that it can do; nothing when left out. */
  readonly capabilities?: Json;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Least severe log message that the call may send: 2026-07-28 has no other way to ask for any. */
  readonly logLevel?: string;
  readonly meta?: Json;
  readonly onprogress?: (progress: Progress) => void;
}

/** A log message, as the client's handler was given it. */
export interface LogMessage {
  readonly level: string;
  readonly logger?: string | undefined;
  readonly data: unknown;
}

/** Lists, as the protocol names their methods. */
export type ListMethod = 'tools/list' | 'resources/list' | 'resources/templates/list' | 'prompts/list';

export interface CompleteParams {
  readonly ref: { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string };
  readonly argument: { name: string; value: string };
  readonly context?: { arguments: Record<string, string> };
}

/** What the server said of itself. */
export interface ServerSelf {
  readonly info: { readonly name: string; readonly version: string } | undefined;
  readonly capabilities: object | undefined;
}

/** What a server may ask a client. */
export type ClientMethod = 'elicitation/create' | 'sampling/createMessage' | 'roots/list';

/** How a client answers. @param params of the request */
export type ClientAnswer = (params: Json) => Json | Promise<Json>;

/** What to be told of. @see MCP 2026-07-28, basic/patterns/subscriptions, "Notification Filter" */
export interface SubscriptionFilter {
  readonly toolsListChanged?: boolean;
  readonly promptsListChanged?: boolean;
  readonly resourcesListChanged?: boolean;
  readonly resourceSubscriptions?: string[];
}

/** The newest revision of the 2025 era: what clients speak unless they are told another. */
export const REVISION = '2025-11-25';

export const CLIENT_INFO = { name: 'gatehouse-tests', version: '1.0.0' };

/** What tests need of an official client, whichever it is. */
export interface TestClient {
  readonly revision: SpecRevision;
  readonly door: Target['door'];
  readonly sessionId: string | undefined;
  readonly server: ServerSelf;
  /** Every message that came in, in order. */
  readonly wire: readonly Message[];
  readonly logs: readonly LogMessage[];
  ping(): Promise<unknown>;
  tools(): Promise<readonly Tool[]>;
  resources(): Promise<readonly Resource[]>;
  resourceTemplates(): Promise<readonly ResourceTemplate[]>;
  prompts(): Promise<readonly Prompt[]>;
  /** One page of a list. */
  page(method: ListMethod, cursor?: string): Promise<Json>;
  callTool(name: string, args?: Json, options?: CallOptions): Promise<CallToolResult>;
  readResource(uri: string): Promise<ReadResourceResult>;
  getPrompt(name: string, args?: Record<string, string>): Promise<GetPromptResult>;
  complete(params: CompleteParams): Promise<CompleteResult['completion']>;
  /** Not in 2026-07-28, where each call says it. */
  setLogLevel(level: LoggingLevel): Promise<unknown>;
  /** Answers what the server asks from now on; the capability must be declared. */
  answer(method: ClientMethod, how: ClientAnswer): void;
  /** Not in 2026-07-28. */
  subscribe(uri: string): Promise<unknown>;
  unsubscribe(uri: string): Promise<unknown>;
  /** 2026-07-28 alone. @returns what ends it */
  listen(filter: SubscriptionFilter): Promise<() => Promise<void>>;
  /** Leaves; a session that is not bound to the connection stays. */
  close(): Promise<void>;
  /** Ends the session, and leaves. */
  end(): Promise<void>;
}

/** What a transport of any client has. */
interface Receiver {
  onmessage?: ((message: never, extra?: never) => void) | undefined;
}

/**
 * Records every message that a transport receives, whatever its client puts into its place; to be called before a
 * client takes the transport over.
 */
export function record(transport: Receiver): readonly Message[] {
  const wire: Message[] = [];
  let hear: Receiver['onmessage'];
  Object.defineProperty(transport, 'onmessage', {
    get: () => hear,
    set: (handler: Receiver['onmessage']) => {
      hear = (message, extra) => {
        // A client may put a handler of its own around the one that was there: each message is one all the same.
        if (wire.at(-1) !== message) wire.push(message);
        handler?.(message, extra);
      };
    },
  });
  return wire;
}

/**
 * A client that would take any revision must not do so unseen.
 * @throws Error the server chose another revision than the one of these tests
 */
export function assertRevision(wire: readonly Message[], expected: SpecRevision): void {
  const chosen = wire[0]?.result?.['protocolVersion'];
  if (chosen !== expected) throw new Error(`The server chose ${String(chosen)}, not ${expected}`);
}
