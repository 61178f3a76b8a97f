import type { Server } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { GatehouseModule } from '../../src/app.module.js';
import { AuditLog, SecurityLog } from '../../src/audit/index.js';
import { Authenticator, type Credentials, CredentialWatch, type Principal } from '../../src/auth/index.js';
import { GatehouseExpressAdapter } from '../../src/cli/gatehouse-express.adapter.js';
import { Clock, ProtocolError } from '../../src/common/index.js';
import { AppConfig, type ConfigOverrides } from '../../src/config/index.js';
import { Announcements } from '../../src/dispatch/index.js';
import { ClientQuestions } from '../../src/dispatch/client-questions.js';
import { Rounds } from '../../src/dispatch/rounds.js';
import { Tasks } from '../../src/dispatch/tasks/tasks.js';
import { SessionService } from '../../src/session/index.js';
import { SessionRecords } from '../../src/session/session-records.js';
import { SessionRegistry } from '../../src/session/session-registry.js';
import { Tombstones } from '../../src/session/tombstones.js';
import { EmbeddedState, StoreBackend } from '../../src/store/index.js';
import { Deadlines } from '../../src/tools/deadlines.js';
import { ToolRegistry } from '../../src/tools/index.js';
import { attachGatehouse, TransportService } from '../../src/transport/index.js';
import { OpenExchanges } from '../../src/transport/http/open-exchanges.js';
import { SessionStreams } from '../../src/transport/http/session-streams.js';
import { StreamLogs } from '../../src/transport/http/stream-logs.js';
import { FakeClock } from '../support/fake-clock.js';
import { MemoryHttp } from '../support/memory-http.js';
import { RecordingAuditLog, RecordingSecurityLog } from '../support/tool-world.js';
import { WorkTools } from './work.tools.js';

/** Terms of the server under test, ms: short, and far enough apart that one of them passes at a time. */
export const TERMS = { resumeMs: 30_000, timeoutMs: 300_000, maxAgeMs: 3_600_000 } as const;
/** How far behind a record may be, and so how much longer a session may live that was found in the store, ms. */
export const RECORD_SLACK_MS = 30_000 + 60_000;
export const LIMITS = { maxInFlight: 8, maxSessions: 6, maxSessionsPerCaller: 4 } as const;

/** Everything that is kept per client, call or stream: at the end all of it must be empty. */
const BOOKS = [
  Announcements,
  ClientQuestions,
  CredentialWatch,
  Deadlines,
  OpenExchanges,
  Rounds,
  SessionRecords,
  SessionService,
  SessionStreams,
  StreamLogs,
  Tasks,
] as const;

/** Turns of the event loop in which whatever can happen has happened: nothing here waits for a disk or a network. */
const TURNS = 12;
const MAX_TURNS = 2_000;

/** Who says so in the Authorization header is it: whom to believe is not the matter here. */
class NamedCallers extends Authenticator {
  override readonly isRequired = true;

  override authenticate({ authorization }: Credentials): Principal {
    if (authorization === undefined) throw new ProtocolError('auth_required', 'Say who you are');
    return { issuer: 'model', subject: authorization, roles: ['operator'], isAuthenticated: true };
  }

  override local(): Principal {
    return this.authenticate({ authorization: 'local' });
  }
}

/** The whole server in this process, over HTTP in memory, with time in the hands of the test. */
export class ModelWorld {
  private app!: INestApplication;
  http!: MemoryHttp;

  private constructor(
    private readonly state: EmbeddedState,
    private readonly clock: FakeClock,
  ) {}

  /** Wall time, ms since the epoch. */
  get now(): number {
    return this.clock.now();
  }

  static async open(): Promise<ModelWorld> {
    const clock = new FakeClock();
    const world = new ModelWorld(await EmbeddedState.open({ clock }), clock);
    await world.start();
    return world;
  }

  get work(): WorkTools {
    return this.get(WorkTools);
  }

  /** Ids of the sessions that this process holds. */
  get sessionIds(): ReadonlySet<string> {
    return new Set(
      this.get(SessionService)
        .list()
        .map(({ id }) => String(id)),
    );
  }

  /** Switches the tool that is made to be switched. */
  toggle(): void {
    const tools = this.get(ToolRegistry);
    tools.setEnabled('switched', tools.get('switched')?.isEnabled !== true);
  }

  get isSwitchedOn(): boolean {
    return this.get(ToolRegistry).get('switched')?.isEnabled === true;
  }

  /** Tells that a resource changed. */
  update(uri: string): void {
    this.get(Announcements).updated(uri);
  }

  /** Lets time pass; what is over then is found by the sweeps that the server makes of itself. */
  async pass(ms: number): Promise<void> {
    await this.sweep();
    this.clock.advance(ms);
    await this.sweep();
  }

  /** Waits until what was set off has come to rest. @param isSo what has to be so by then */
  async settle(isSo: () => boolean = () => true): Promise<void> {
    for (let turn = 0; turn < MAX_TURNS && !isSo(); turn++) await nextTurn();
    for (let turn = 0; turn < TURNS; turn++) await nextTurn();
  }

  /** Ends the server as a signal does, with no time for what runs, and starts another over the same state. */
  async restart(): Promise<readonly string[]> {
    const left = await this.stop();
    await this.start();
    return left;
  }

  /** @returns what the server still holds after its end */
  async stop(): Promise<readonly string[]> {
    await this.get(TransportService).drain(0);
    await this.app.close();
    this.work.finishAll();
    await this.settle();
    this.get(OpenExchanges).sweep();
    return this.leftovers();
  }

  /** What is kept of clients, calls and streams: a line for each book that is not empty. */
  leftovers(): readonly string[] {
    const books = BOOKS.flatMap((book) => sizesOf(this.get<object>(book), book.name));
    const places = this.get(ToolRegistry)
      .all()
      .flatMap(
        ({ name, bulkhead }) =>
          [
            [`places of ${name}`, bulkhead.runningCount],
            [`queue of ${name}`, bulkhead.waitingCount],
          ] as const,
      );
    const work = [['work', this.work.runningCount]] as const;
    return [...books, ...places, ...work].filter(([, size]) => size > 0).map(([name, size]) => `${name}: ${size}`);
  }

  private async sweep(): Promise<void> {
    this.get(Deadlines).sweep();
    this.get(CredentialWatch).sweep();
    await this.settle();
    this.get(OpenExchanges).sweep();
    await this.settle();
    await this.get(SessionService).sweep();
    await this.settle();
  }

  private async start(): Promise<void> {
    const { resumeMs, timeoutMs, maxAgeMs } = TERMS;
    const settings: ConfigOverrides = {
      server: { transports: ['http'] },
      rate: { maxMessages: 100_000 },
      breaker: { failureThreshold: 100 },
      limits: { maxInFlight: LIMITS.maxInFlight },
      sessions: { resumeMs, timeoutMs, maxAgeMs, max: LIMITS.maxSessions, maxPerClient: LIMITS.maxSessionsPerCaller },
    };
    const module = await Test.createTestingModule({
      imports: [GatehouseModule.forRoot({ settings })],
      providers: [WorkTools],
    })
      .overrideProvider(StoreBackend)
      .useValue(this.state)
      .overrideProvider(Clock)
      .useValue(this.clock)
      .overrideProvider(Authenticator)
      .useValue(new NamedCallers())
      .overrideProvider(AuditLog)
      .useValue(new RecordingAuditLog())
      .overrideProvider(SecurityLog)
      .useValue(new RecordingSecurityLog())
      .compile();
    this.app = module.createNestApplication(new GatehouseExpressAdapter(AppConfig.of(settings)), { logger: false });
    await attachGatehouse(this.app).init();
    const server = this.app.getHttpServer() as Server;
    // From here on it keeps track of its connections, to close them when it ends.
    server.emit('listening');
    this.http = new MemoryHttp(server);
  }

  private get<T>(type: abstract new (...args: never[]) => T): T {
    return this.app.get<T>(type, { strict: false });
  }
}

/** Sizes of the maps and sets of an object, and of those that hold its books for it. */
function sizesOf(book: object, name: string): [name: string, size: number][] {
  return Object.entries(book).flatMap(([field, value]: [string, unknown]): [string, number][] => {
    if (value instanceof Map || value instanceof Set) return [[`${name}.${field}`, value.size]];
    // A registry or list of its own; what was injected is asked by itself.
    const isOwn = value instanceof SessionRegistry || value instanceof Tombstones;
    return isOwn ? sizesOf(value, `${name}.${field}`) : [];
  });
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
