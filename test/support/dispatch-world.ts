import {
  Global,
  type INestApplication,
  type INestApplicationContext,
  Module,
  type Provider,
  type Type,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AuditLog, SecurityLog } from '../../src/audit/index.js';
import type { Principal } from '../../src/auth/index.js';
import { Clock, Lifecycle } from '../../src/common/index.js';
import { AppConfig, ConfigModule, type ConfigOverrides } from '../../src/config/index.js';
import {
  Dispatcher,
  DispatchModule,
  type Door,
  Exchange,
  LiveServerFacts,
  type Reply,
} from '../../src/dispatch/index.js';
import { ConnectionCalls } from '../../src/dispatch/running-calls.js';
import { MetricsModule } from '../../src/metrics/index.js';
import { PromptsModule } from '../../src/prompts/index.js';
import { decode } from '../../src/protocol/index.js';
import { ResourcesModule } from '../../src/resources/index.js';
import { SessionModule } from '../../src/session/index.js';
import { EmbeddedState, StoreModule } from '../../src/store/index.js';
import { DefinedTools, EnhancerOptions, ServerFacts, ToolsModule } from '../../src/tools/index.js';
import { Authenticator, AuthModule } from '../../src/auth/index.js';
import { FakeClock } from './fake-clock.js';
import type { SharedReplica } from './shared-world.js';
import { OPERATOR, RecordingAuditLog, RecordingSecurityLog } from './tool-world.js';

type Json = Record<string, unknown>;

/** A message as it came back. */
export interface Answer {
  readonly id?: unknown;
  readonly result?: Json;
  readonly error?: { readonly code: number; readonly message: string; readonly data: Json };
  readonly method?: string;
  readonly params?: Json;
}

/** A connection whose other end is the test. */
export class TestExchange extends Exchange {
  override readonly door: Door = 'stdio';
  override readonly isSealed: boolean = false;
  override readonly calls = new ConnectionCalls();
  readonly sent: Answer[] = [];
  isClosed = false;

  constructor(
    override readonly principal: Principal = OPERATOR,
    override readonly connectionKey = 'connection',
  ) {
    super();
  }

  override send(text: string): void {
    this.sent.push(JSON.parse(text) as Answer);
  }

  override closeStream(): void {
    this.isClosed = true;
  }
}

/** `_meta` that makes a request one of 2026-07-28. */
export function envelope(capabilities: Json = {}, more: Json = {}): Json {
  return {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': capabilities,
    ...more,
  };
}

/** Everything from the dispatcher down, wired as in the server, with time and logs in the hands of the test. */
export class DispatchWorld {
  private lastId = 0;

  private constructor(
    readonly app: INestApplicationContext,
    readonly clock: FakeClock,
    readonly audit: RecordingAuditLog,
    readonly security: RecordingSecurityLog,
  ) {}

  static async open({
    settings = {},
    providers = [],
    imports = [],
    authenticator,
    attach,
    replica,
    clock = new FakeClock(),
  }: {
    settings?: ConfigOverrides;
    providers?: Provider[];
    imports?: Type[];
    /** In place of the one that the settings ask for. */
    authenticator?: Authenticator;
    /** Makes it an application with HTTP; called before that starts. */
    attach?: (app: INestApplication) => void;
    /** One of several on the same stores, in place of a process that is alone. */
    replica?: SharedReplica;
    clock?: FakeClock;
  } = {}): Promise<DispatchWorld> {
    const [audit, security] = [new RecordingAuditLog(), new RecordingSecurityLog()];
    const config = AppConfig.of(settings);
    @Global()
    @Module({
      imports: [AuthModule, SessionModule, ToolsModule, ResourcesModule, PromptsModule],
      providers: [
        { provide: Clock, useValue: clock },
        Lifecycle,
        { provide: DefinedTools, useValue: { tools: [] } },
        { provide: EnhancerOptions, useValue: { applyGlobalEnhancers: false } },
        { provide: ServerFacts, useClass: LiveServerFacts },
      ],
      exports: [Clock, DefinedTools, EnhancerOptions, Lifecycle, ServerFacts],
    })
    class Surroundings {}
    const testing = Test.createTestingModule({
      imports: [
        ConfigModule.forRoot(config),
        MetricsModule,
        StoreModule.forRoot(
          replica ? { state: replica.backend, replica: replica.own } : { state: await EmbeddedState.open({ clock }) },
        ),
        Surroundings,
        DispatchModule,
        ...imports,
      ],
      providers,
    })
      .overrideProvider(AuditLog)
      .useValue(audit)
      .overrideProvider(SecurityLog)
      .useValue(security);
    if (authenticator) testing.overrideProvider(Authenticator).useValue(authenticator);
    const compiled = await testing.compile();
    const app = attach ? compiled.createNestApplication() : compiled;
    attach?.(app as INestApplication);
    await app.init();
    return new DispatchWorld(app, clock, audit, security);
  }

  get<T>(type: Type<T> | (abstract new (...args: never[]) => T)): T {
    return this.app.get<T>(type, { strict: false });
  }

  /** Receives one frame, whatever it is. */
  async receive(text: string, exchange: Exchange): Promise<Reply | undefined> {
    return this.get(Dispatcher).receive(decode(text), exchange);
  }

  /** @returns what came back, undefined where nothing did */
  async send(message: Json, exchange: Exchange): Promise<Answer | undefined> {
    const reply = await this.receive(JSON.stringify({ jsonrpc: '2.0', ...message }), exchange);
    return reply && (JSON.parse(reply.text) as Answer);
  }

  /** Asks for something, in the era of the session that the connection has. */
  async ask(method: string, params: Json, exchange: Exchange): Promise<Answer> {
    const id = ++this.lastId;
    const answer = await this.send({ id, method, params }, exchange);
    if (!answer || answer.id !== id) throw new Error(`${method} was answered with ${JSON.stringify(answer)}`);
    return answer;
  }

  /** A connection that has been initialized. */
  async connect(
    revision = '2025-11-25',
    capabilities: Json = {},
    exchange = new TestExchange(),
  ): Promise<TestExchange> {
    const clientInfo = { name: 'spec', version: '1.0.0' };
    const answer = await this.ask('initialize', { protocolVersion: revision, capabilities, clientInfo }, exchange);
    if (!answer.result) throw new Error(JSON.stringify(answer));
    return exchange;
  }

  async close(): Promise<void> {
    await this.app.close();
  }
}
