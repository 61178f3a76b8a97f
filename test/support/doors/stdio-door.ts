import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Json } from '../messages.js';
import { type TemporaryFolder, temporaryFolder } from '../places.js';
import { ChannelModern, type RawModern } from '../raw-modern.js';
import { ChannelSession, type RawSession } from '../raw-session.js';
import { StdioServer } from '../stdio-server.js';
import type { Target } from '../test-client.js';
import { WireRecord } from '../wire/conversation.js';
import type { SpecRevision } from '../wire/spec-schema.js';
import { StdioTap } from '../wire/stdio-tap.js';
import type { Door, DoorOptions, Unopened } from './door.js';

/** A process for each session, and one that all modern peers share: it holds no session of theirs. */
export class StdioDoor implements Door {
  private readonly record = new WireRecord();
  private readonly taps: StdioTap[] = [];
  private readonly servers: StdioServer[] = [];
  private forModern: Promise<StdioServer> | undefined;

  private constructor(
    private readonly options: DoorOptions,
    private readonly folder: TemporaryFolder,
  ) {}

  static async open(options: DoorOptions): Promise<StdioDoor> {
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
    return ChannelSession.open(await this.start(), revision, capabilities);
  }

  async modern(): Promise<RawModern> {
    this.forModern ??= this.start();
    return new ChannelModern(await this.forModern);
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
