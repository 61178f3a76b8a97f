import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  type CallToolResult,
  type LoggingLevel,
  LoggingMessageNotificationSchema,
  ResultSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { Json, Message } from './messages.js';
import { MAIN } from './places.js';
import {
  assertRevision,
  type CallOptions,
  CLIENT_INFO,
  type CompleteParams,
  type ListMethod,
  type LogMessage,
  record,
  type ServerSelf,
  type Target,
  type TestClient,
} from './test-client.js';

/** The client of `@modelcontextprotocol/sdk` 1.x, which speaks the newest revision that it knows: 2025-11-25. */
export class SdkV1Client implements TestClient {
  readonly logs: LogMessage[] = [];
  private readonly client = new Client(CLIENT_INFO, { capabilities: {} });
  private readonly transport: StreamableHTTPClientTransport | StdioClientTransport;
  readonly wire: readonly Message[];

  private constructor(target: Target) {
    this.transport =
      target.door === 'http'
        ? new StreamableHTTPClientTransport(new URL(target.url))
        : new StdioClientTransport({
            command: process.execPath,
            args: [MAIN, ...target.args],
            env: target.env,
            cwd: target.cwd,
            stderr: 'ignore',
          });
    this.wire = record(this.transport);
    this.client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void this.logs.push(params));
  }

  static async connect(target: Target): Promise<SdkV1Client> {
    const self = new SdkV1Client(target);
    await self.client.connect(self.transport);
    assertRevision(self.wire);
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
    return this.client.request({ method, params: cursor === undefined ? {} : { cursor } }, ResultSchema);
  }

  callTool(name: string, args: Json = {}, options: CallOptions = {}) {
    return this.client.callTool({ name, arguments: args }, undefined, options) as Promise<CallToolResult>;
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

  close() {
    return this.client.close();
  }

  async end(): Promise<void> {
    if (this.transport instanceof StreamableHTTPClientTransport) await this.transport.terminateSession();
    await this.close();
  }
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
