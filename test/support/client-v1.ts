import * as current from '@modelcontextprotocol/sdk/client/index.js';
import * as currentSse from '@modelcontextprotocol/sdk/client/sse.js';
import * as currentStdio from '@modelcontextprotocol/sdk/client/stdio.js';
import * as currentHttp from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import * as currentSocket from '@modelcontextprotocol/sdk/client/websocket.js';
import * as currentTypes from '@modelcontextprotocol/sdk/types.js';
import type { CallToolResult, LoggingLevel } from '@modelcontextprotocol/sdk/types.js';
import * as early from '@modelcontextprotocol/sdk-1-10/client/index.js';
import * as earlySse from '@modelcontextprotocol/sdk-1-10/client/sse.js';
import * as earlyStdio from '@modelcontextprotocol/sdk-1-10/client/stdio.js';
import * as earlyHttp from '@modelcontextprotocol/sdk-1-10/client/streamableHttp.js';
import * as earlySocket from '@modelcontextprotocol/sdk-1-10/client/websocket.js';
import * as earlyTypes from '@modelcontextprotocol/sdk-1-10/types.js';
import { WebSocket } from 'ws';
import type { Json, Message } from './messages.js';
import { MAIN } from './places.js';
import { LineTransport } from './socket-transports.js';
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
  type Target,
  type TestClient,
} from './test-client.js';
import type { SpecRevision } from './wire/spec-schema.js';

// The transport of the SDK takes the one of browsers, which this release of Node does not have.
Object.assign(globalThis, { WebSocket });

type Transport =
  | currentHttp.StreamableHTTPClientTransport
  | currentStdio.StdioClientTransport
  | currentSse.SSEClientTransport
  | currentSocket.WebSocketClientTransport
  | LineTransport;

/** The parts of one release of the SDK. */
interface Release {
  readonly Client: typeof current.Client;
  readonly Http: typeof currentHttp.StreamableHTTPClientTransport;
  readonly Stdio: typeof currentStdio.StdioClientTransport;
  readonly Sse: typeof currentSse.SSEClientTransport;
  readonly Socket: typeof currentSocket.WebSocketClientTransport;
  readonly types: typeof currentTypes;
  /** The newest revision of the release: it takes no other for granted, and cannot be told to. */
  readonly revision: SpecRevision;
}

const CURRENT: Release = {
  Client: current.Client,
  Http: currentHttp.StreamableHTTPClientTransport,
  Stdio: currentStdio.StdioClientTransport,
  Sse: currentSse.SSEClientTransport,
  Socket: currentSocket.WebSocketClientTransport,
  types: currentTypes,
  revision: REVISION,
};

/** What is called of it has the same form. */
const EARLY = {
  Client: early.Client,
  Http: earlyHttp.StreamableHTTPClientTransport,
  Stdio: earlyStdio.StdioClientTransport,
  Sse: earlySse.SSEClientTransport,
  Socket: earlySocket.WebSocketClientTransport,
  types: earlyTypes,
  revision: '2024-11-05',
} as unknown as Release;

/** A client of `@modelcontextprotocol/sdk` 1.x, which speaks the newest revision that it knows. */
export class SdkV1Client implements TestClient {
  readonly logs: LogMessage[] = [];
  private readonly client: current.Client;
  private readonly transport: Transport;
  readonly wire: readonly Message[];

  readonly door: Target['door'];

  private constructor(
    target: Target,
    private readonly release: Release,
    capabilities: Json,
  ) {
    const { Client, types } = release;
    this.client = new Client(CLIENT_INFO, { capabilities });
    this.transport = transportTo(target, release);
    this.door = target.door;
    this.wire = record(this.transport);
    this.client.setNotificationHandler(
      types.LoggingMessageNotificationSchema,
      ({ params }) => void this.logs.push(params),
    );
  }

  static connect(target: Target, options: ClientOptions): Promise<SdkV1Client> {
    return SdkV1Client.start(target, CURRENT, options);
  }

  /** The release 1.10: the first with Streamable HTTP, and no newer revision than 2024-11-05. */
  static connectEarly(target: Target, options: ClientOptions): Promise<SdkV1Client> {
    return SdkV1Client.start(target, EARLY, options);
  }

  private static async start(target: Target, release: Release, options: ClientOptions): Promise<SdkV1Client> {
    const { capabilities = {}, revision = release.revision } = options;
    if (revision !== release.revision) throw new Error(`This client speaks ${release.revision}, not ${revision}`);
    const self = new SdkV1Client(target, release, capabilities);
    await self.client.connect(self.transport);
    assertRevision(self.wire, revision);
    return self;
  }

  get revision(): SpecRevision {
    return this.release.revision;
  }

  get sessionId(): string | undefined {
    return this.transport instanceof this.release.Http ? this.transport.sessionId : undefined;
  }

  get server(): ServerSelf {
    return { info: this.client.getServerVersion(), capabilities: this.client.getServerCapabilities() };
  }

  ping() {
    return this.client.ping();
  }

  tools() {
    return allPages(
      (cursor) => this.client.listTools(cursor),
      ({ tools }) => tools,
    );
  }

  resources() {
    return allPages(
      (cursor) => this.client.listResources(cursor),
      ({ resources }) => resources,
    );
  }

  resourceTemplates() {
    return allPages(
      (cursor) => this.client.listResourceTemplates(cursor),
      ({ resourceTemplates }) => resourceTemplates,
    );
  }

  prompts() {
    return allPages(
      (cursor) => this.client.listPrompts(cursor),
      ({ prompts }) => prompts,
    );
  }

  page(method: ListMethod, cursor?: string): Promise<Json> {
    return this.client.request(
      { method, params: cursor === undefined ? {} : { cursor } },
      this.release.types.ResultSchema,
    );
  }

  callTool(name: string, args: Json = {}, { meta, logLevel: _modern, ...options }: CallOptions = {}) {
    const params = { name, arguments: args, ...(meta && { _meta: meta }) };
    return this.client.callTool(params, undefined, options) as Promise<CallToolResult>;
  }

  readResource(uri: string) {
    return this.client.readResource({ uri });
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
    const { ElicitRequestSchema, CreateMessageRequestSchema, ListRootsRequestSchema } = this.release.types;
    const schemas = {
      'elicitation/create': ElicitRequestSchema,
      'sampling/createMessage': CreateMessageRequestSchema,
      'roots/list': ListRootsRequestSchema,
    };
    const handler = async ({ params }: { params?: object | undefined }): Promise<never> =>
      (await how((params ?? {}) as Json)) as never;
    this.client.setRequestHandler(schemas[method] as typeof ListRootsRequestSchema, handler);
  }

  subscribe(uri: string) {
    return this.client.subscribeResource({ uri });
  }

  unsubscribe(uri: string) {
    return this.client.unsubscribeResource({ uri });
  }

  listen(): Promise<never> {
    return Promise.reject(new Error(`There is no subscriptions/listen in ${this.revision}`));
  }

  close() {
    return this.client.close();
  }

  async end(): Promise<void> {
    if (this.transport instanceof this.release.Http) await endSession(this.transport, this.release);
    await this.close();
  }
}

/** Release 1.10 cannot end a session itself. */
async function endSession(transport: currentHttp.StreamableHTTPClientTransport, { Http }: Release): Promise<void> {
  if ('terminateSession' in Http.prototype) await transport.terminateSession();
}

function transportTo(target: Target, { Http, Stdio, Sse, Socket }: Release): Transport {
  switch (target.door) {
    case 'http':
      return new Http(new URL(target.url), { requestInit: { headers: { ...target.headers } } });
    case 'sse':
      return new Sse(new URL(target.url));
    case 'websocket':
      return new Socket(new URL(target.url));
    case 'tcp':
      return new LineTransport(target.port);
    case 'stdio':
      return new Stdio(stdioParameters(target));
  }
}

function stdioParameters({ args, env, cwd, tap }: Extract<Target, { door: 'stdio' }>) {
  const program = [MAIN, ...args];
  return { command: process.execPath, args: tap?.(program) ?? program, env, cwd, stderr: 'ignore' as const };
}

async function allPages<Page extends { nextCursor?: string | undefined }, Entry>(
  fetchPage: (params: { cursor: string } | undefined) => Promise<Page>,
  entriesOf: (page: Page) => readonly Entry[],
): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  let cursor: string | undefined;
  do {
    const page = await fetchPage(cursor === undefined ? undefined : { cursor });
    entries.push(...entriesOf(page));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return entries;
}
