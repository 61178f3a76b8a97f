import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import type { CallToolResult, LoggingLevel, Tool } from '@modelcontextprotocol/sdk/types.js';
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
  REVISION,
  type ServerSelf,
  type Target,
  type TestClient,
} from './test-client.js';

/** The client of `@modelcontextprotocol/client` 2.x, held to the 2025 era and to one revision of it. */
export class ClientV2 implements TestClient {
  readonly logs: LogMessage[] = [];
  private readonly client = new Client(CLIENT_INFO, {
    capabilities: {},
    supportedProtocolVersions: [REVISION],
    versionNegotiation: { mode: 'legacy' },
  });
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
    this.client.setNotificationHandler('notifications/message', ({ params }) => void this.logs.push(params));
  }

  static async connect(target: Target): Promise<ClientV2> {
    const self = new ClientV2(target);
    await self.client.connect(self.transport);
    assertRevision(self.wire);
    const era = self.client.getProtocolEra();
    if (era !== 'legacy') throw new Error(`The client chose the ${String(era)} era`);
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
    return (await this.client.listTools()).tools as readonly Tool[];
  }

  async resources() {
    return (await this.client.listResources()).resources;
  }

  async resourceTemplates() {
    return (await this.client.listResourceTemplates()).resourceTemplates;
  }

  async prompts() {
    return (await this.client.listPrompts()).prompts;
  }

  page(method: ListMethod, cursor?: string): Promise<Json> {
    return this.client.request({ method, params: cursor === undefined ? {} : { cursor } });
  }

  callTool(name: string, args: Json = {}, options: CallOptions = {}) {
    return this.client.callTool({ name, arguments: args }, options) as Promise<CallToolResult>;
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
