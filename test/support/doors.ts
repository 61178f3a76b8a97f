import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { BuiltServer, type ServerOptions } from './built-server.js';
import type { Frame, Json } from './messages.js';
import { type TemporaryFolder, temporaryFolder } from './places.js';
import { RawHttp } from './raw-http.js';
import { HttpModern, type RawModern, StdioModern } from './raw-modern.js';
import { HttpSession, type RawSession, StdioSession } from './raw-session.js';
import { StdioServer } from './stdio-server.js';
import { ReplicaSet } from './replica-set.js';
import type { Target } from './test-client.js';
import { WireRecord } from './wire/conversation.js';
import { HttpTap } from './wire/http-tap.js';
import { SPEC_REVISIONS, type SpecRevision } from './wire/spec-schema.js';
import { StdioTap } from './wire/stdio-tap.js';

/** A door behind which no session is open yet. */
export interface Unopened {
  /** Sends a frame that is owed an answer. @returns all that came, the answer last */
  readonly send: (frame: unknown) => Promise<readonly Frame[]>;
}

/** One way to the server, for raw peers and for official clients; every message on it is checked. */
export interface Door {
  /** Where an official client finds it. */
  target(): Target;
  session(revision: SpecRevision, capabilities?: Json): Promise<RawSession>;
  modern(): Promise<RawModern>;
  unopened(): Promise<Unopened>;
  /** What the servers behind the door have written to stderr. */
  readonly stderr: string;
  /** @throws Error what the specification does not allow was sent since the last call */
  assertSound(): void;
  /** Messages of the server that were checked. */
  checkedOf(revision: SpecRevision): number;
  close(): Promise<void>;
}

/** One server for all; sessions and requests are told apart by what they send. */
class HttpDoor implements Door {
  private constructor(
    private readonly server: BuiltServer | ReplicaSet,
    private readonly tap: HttpTap,
    private readonly record: WireRecord,
  ) {}

  static async open(options: ServerOptions): Promise<HttpDoor> {
    const record = new WireRecord();
    const server = await (ARE_REPLICAS ? ReplicaSet.start(options) : BuiltServer.start(options));
    return new HttpDoor(server, await HttpTap.open(server.url, record), record);
  }

  target(): Target {
    return { door: 'http', url: this.tap.url };
  }

  session(revision: SpecRevision, capabilities?: Json): Promise<RawSession> {
    return HttpSession.open(this.tap.url, revision, capabilities);
  }

  async modern(): Promise<RawModern> {
    return new HttpModern(this.tap.url);
  }

  async unopened(): Promise<Unopened> {
    return { send: async (frame) => (await new RawHttp(this.tap.url).post(frame)).frames };
  }

  get stderr(): string {
    return this.server.stderr;
  }

  assertSound(): void {
    this.record.assertSound();
  }

  checkedOf(revision: SpecRevision): number {
    return this.record.countOf(revision);
  }

  async close(): Promise<void> {
    await this.tap.close();
    await this.server.dispose();
  }
}

/** A process for each session, and one that all modern peers share: it holds no session of theirs. */
class StdioDoor implements Door {
  private readonly record = new WireRecord();
  private readonly taps: StdioTap[] = [];
  private readonly servers: StdioServer[] = [];
  private forModern: Promise<StdioServer> | undefined;

  private constructor(
    private readonly options: ServerOptions,
    private readonly folder: TemporaryFolder,
  ) {}

  static async open(options: ServerOptions): Promise<StdioDoor> {
    return new StdioDoor(options, await temporaryFolder());
  }

  target(): Target {
    const { env = {}, plugins = [] } = this.options;
    const tap = new StdioTap(join(this.folder.path, `${randomUUID()}.log`), this.record);
    this.taps.push(tap);
    return {
      door: 'stdio',
      args: ['serve', '--tools-path', ...plugins],
      env: { ...env },
      cwd: this.folder.path,
      tap: (args) => tap.command(args),
    };
  }

  async session(revision: SpecRevision, capabilities?: Json): Promise<RawSession> {
    return StdioSession.open(await this.start(), revision, capabilities);
  }

  async modern(): Promise<RawModern> {
    this.forModern ??= this.start();
    return new StdioModern(await this.forModern);
  }

  async unopened(): Promise<Unopened> {
    const server = await this.start();
    return { send: (frame) => server.exchange(frame) };
  }

  get stderr(): string {
    return this.servers.map(({ program }) => program.stderr).join('');
  }

  assertSound(): void {
    for (const tap of this.taps) tap.read();
    // To read what a server wrote is to have it checked.
    for (const { frames } of this.servers) void frames;
    this.record.assertSound();
  }

  checkedOf(revision: SpecRevision): number {
    return this.record.countOf(revision);
  }

  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.dispose()));
    await this.folder.remove();
  }

  private async start(): Promise<StdioServer> {
    const server = await StdioServer.start(this.options, this.record);
    this.servers.push(server);
    return server;
  }
}

/** Whether what is behind a door of the network are three replicas. */
export const ARE_REPLICAS = process.env['GATEHOUSE_TEST_REPLICAS'] !== undefined;

interface DoorKind {
  readonly open: (options: ServerOptions) => Promise<Door>;
  /** Revisions that are served behind it. @see DESIGN D-2 */
  readonly revisions: readonly SpecRevision[];
}

const DOORS = {
  http: { open: (options) => HttpDoor.open(options), revisions: SPEC_REVISIONS },
  stdio: { open: (options) => StdioDoor.open(options), revisions: SPEC_REVISIONS },
} as const satisfies Record<string, DoorKind>;

export type DoorName = keyof typeof DOORS;

/** The doors that exist, by the names that tests print. */
export const DOOR_NAMES = (Object.keys(DOORS) as DoorName[]).filter((name) => !ARE_REPLICAS || name !== 'stdio');

/** Opens a door to the built program. */
export function openDoor(name: DoorName, options: ServerOptions): Promise<Door> {
  return DOORS[name].open(options);
}

export function serves(name: DoorName, revision: SpecRevision): boolean {
  return DOORS[name].revisions.includes(revision);
}
