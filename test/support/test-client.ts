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

/** Where a client finds its server: an endpoint, or a program that it starts itself. */
export type Target =
  | { readonly door: 'http'; readonly url: string }
  | { readonly door: 'stdio'; readonly args: string[]; readonly env: Record<string, string>; readonly cwd: string };

export interface CallOptions {
  readonly signal?: AbortSignal;
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

/** The newest revision of the 2025 era: what both clients are to speak, and no other. */
export const REVISION = '2025-11-25';

export const CLIENT_INFO = { name: 'gatehouse-tests', version: '1.0.0' };

/** What tests need of an official client, whichever it is. */
export interface TestClient {
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
  setLogLevel(level: LoggingLevel): Promise<unknown>;
  /** Leaves; a session that is not bound to the connection stays. */
  close(): Promise<void>;
  /** Ends the session, and leaves. */
  end(): Promise<void>;
}

/** What a transport of either client has. */
interface Receiver {
  onmessage?: ((message: never) => void) | undefined;
}

/** Records every message that a transport receives; to be called before a client takes the transport over. */
export function record(transport: Receiver): readonly Message[] {
  const wire: Message[] = [];
  transport.onmessage = (message: Message) => void wire.push(message);
  return wire;
}

/**
 * A client that would take any revision must not do so unseen.
 * @throws Error the server chose another revision than the one of these tests
 */
export function assertRevision(wire: readonly Message[]): void {
  const revision = wire[0]?.result?.['protocolVersion'];
  if (revision !== REVISION) throw new Error(`The server chose ${String(revision)}, not ${REVISION}`);
}
