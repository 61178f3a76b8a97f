import {
  Client,
  LOG_LEVEL_META_KEY,
  SSEClientTransport,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { CallToolResult, LoggingLevel, Tool } from '@modelcontextprotocol/sdk/types.js';
import type { Json, Message } from './messages.js';
import { MAIN } from './places.js';
import { LineTransport, WebSocketTransport } from './socket-transports.js';
import {
  assertRevision,
  type CallOptions,
  CLIENT_INFO,
  type ClientAnswer,
  type ClientMethod,
  type ClientOptions,
  type CompleteParams,
  type ListMethod,
  type LogMessage,
  record,
  REVISION,
  type ServerSelf,
  type SubscriptionFilter,
  type Target,
  type TestClient,
} from './test-client.js';
import { MODERN, type SpecRevision } from './wire/spec-schema.js';

type Transport =
  StreamableHTTPClientTransport | StdioClientTransport | SSEClientTransport | WebSocketTransport | LineTransport;

/**
 * The client of `@modelcontextprotocol/client` 2.x, held to one revision. Left to itself (`auto`) it falls back from
 * 2026-07-28 to the 2025 era without a word; pinned, it fails instead.
 */
export class ClientV2 implements TestClient {
  readonly logs: LogMessage[] = [];
  private readonly client: Client;
  private readonly transport: Transport;
  readonly wire: readonly Message[];

  readonly door: Target['door'];

  private constructor(
    target: Target,
    readonly revision: SpecRevision,
    capabilities: Json,
  ) {
    this.client = new Client(CLIENT_INFO, {
      capabilities,
      supportedProtocolVersions: [revision],
      versionNegotiation: { mode: revision === MODERN ? { pin: revision } : 'legacy' },
      // What the server sends is what is tested, not what was kept of it.
      defaultCacheTtlMs: 0,
    });
    this.transport = transportTo(target);
    this.door = target.door;
    this.wire = record(this.transport);
    this.client.setNotificationHandler('notifications/message', ({ params }) => void this.logs.push(params));
  }

  static async connect(
    target: Target,
    { revision = REVISION, capabilities = {} }: ClientOptions = {},
  ): Promise<ClientV2> {
    const self = new ClientV2(target, revision, capabilities);
    await self.client.connect(self.transport);
    // On stdio the client asks which revisions there are of a process of its own, on a wire that is not this one.
    if (revision !== MODERN) assertRevision(self.wire, revision);
    const chosen = self.client.getNegotiatedProtocolVersion();
    if (chosen !== revision) throw new Error(`The client chose ${String(chosen)}, not ${revision}`);
    return self;
  }

  get sessionId(): string | undefined {
    return this.transport instanceof StreamableHTTPClientTransport ? this.transport.sessionId : undefined;
  }

  get server(): ServerSelf {
    return { info: this.client.getServerVersion(), capabilities: this.client.getServerCapabilities() };
  }

  ping() {
    return this.client.ping();
  }

  async tools() {
    return (await this.client.listTools(undefined, FRESH)).tools as readonly Tool[];
  }

  async resources() {
    return (await this.client.listResources(undefined, FRESH)).resources;
  }

  async resourceTemplates() {
    return (await this.client.listResourceTemplates(undefined, FRESH)).resourceTemplates;
  }

  async prompts() {
    return (await this.client.listPrompts(undefined, FRESH)).prompts;
  }

  page(method: ListMethod, cursor?: string): Promise<Json> {
    return this.client.request({ method, params: cursor === undefined ? {} : { cursor } });
  }

  callTool(name: string, args: Json = {}, { meta, logLevel, ...options }: CallOptions = {}) {
    const _meta = { ...meta, ...(logLevel !== undefined && { [LOG_LEVEL_META_KEY]: logLevel }) };
    return this.client.callTool({ name, arguments: args, _meta }, options) as Promise<CallToolResult>;
  }

  readResource(uri: string) {
    return this.client.readResource({ uri }, FRESH);
  }

  getPrompt(name: string, args: Record<string, string> = {}) {
    return this.client.getPrompt({ name, arguments: args });
  }

  async complete(params: CompleteParams) {
    return (await this.client.complete(params)).completion;
  }

  setLogLevel(level: LoggingLevel) {
    return this.client.setLoggingLevel(level);
  }

  answer(method: ClientMethod, how: ClientAnswer): void {
    this.client.setRequestHandler(method, async ({ params }) => (await how((params ?? {}) as Json)) as never);
  }

  subscribe(uri: string) {
    return this.client.subscribeResource({ uri });
  }

  unsubscribe(uri: string) {
    return this.client.unsubscribeResource({ uri });
  }

  async listen(filter: SubscriptionFilter): Promise<() => Promise<void>> {
    const subscription = await this.client.listen(filter);
    return () => subscription.close();
  }

  close() {
    return this.client.close();
  }

  async end(): Promise<void> {
    if (this.transport instanceof StreamableHTTPClientTransport) await this.transport.terminateSession();
    await this.close();
  }
}

/** Asks the server, whatever was kept. */
const FRESH = { cacheMode: 'bypass' } as const;

function transportTo(target: Target): Transport {
  switch (target.door) {
    case 'http':
      return new StreamableHTTPClientTransport(new URL(target.url), {
        requestInit: { headers: { ...target.headers } },
      });
    case 'sse':
      return new SSEClientTransport(new URL(target.url));
    case 'websocket':
      return new WebSocketTransport(target.url);
    case 'tcp':
      return new LineTransport(target.port);
    case 'stdio':
      return new StdioClientTransport(stdioParameters(target));
  }
}

function stdioParameters({ args, env, cwd, tap }: Extract<Target, { door: 'stdio' }>) {
  const program = [MAIN, ...args];
  return { command: process.execPath, args: tap?.(program) ?? program, env, cwd, stderr: 'ignore' as const };
}
