import type { Json } from '../messages.js';
import type { Channel } from '../raw-channel.js';
import { RawHttp } from '../raw-http.js';
import { RawLines } from '../raw-lines.js';
import { ChannelModern, HttpModern, type RawModern } from '../raw-modern.js';
import { ChannelSession, HttpSession, type RawSession } from '../raw-session.js';
import { RawSse } from '../raw-sse.js';
import { RawWebSocket } from '../raw-websocket.js';
import type { Target } from '../test-client.js';
import { WireRecord } from '../wire/conversation.js';
import { HttpTap } from '../wire/http-tap.js';
import { SocketTap } from '../wire/socket-tap.js';
import type { SpecRevision } from '../wire/spec-schema.js';
import { lineReader, webSocketReader } from '../wire/text-readers.js';
import type { Door, DoorOptions, Unopened } from './door.js';
import { NetworkServer } from './network-server.js';

/** A relay in front of the server. */
interface Tap {
  close(): Promise<void>;
}

/** One server for all; sessions and requests are told apart by what they send, or by where they send it. */
abstract class NetworkDoor implements Door {
  constructor(
    private readonly server: NetworkServer,
    private readonly tap: Tap,
    private readonly record: WireRecord,
  ) {}

  abstract target(): Target;
  abstract session(revision: SpecRevision, capabilities?: Json): Promise<RawSession>;
  abstract modern(): Promise<RawModern>;
  abstract unopened(): Promise<Unopened>;

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

export class HttpDoor extends NetworkDoor {
  private constructor(
    private readonly url: string,
    ...rest: ConstructorParameters<typeof NetworkDoor>
  ) {
    super(...rest);
  }

  static async open(options: DoorOptions): Promise<HttpDoor> {
    const record = new WireRecord();
    const server = await NetworkServer.start(options);
    const tap = await HttpTap.open(server.url, record, server.ca);
    return new HttpDoor(tap.url, server, tap, record);
  }

  override target(): Target {
    return { door: 'http', url: this.url };
  }

  override session(revision: SpecRevision, capabilities?: Json): Promise<RawSession> {
    return HttpSession.open(this.url, revision, capabilities);
  }

  override async modern(): Promise<RawModern> {
    return new HttpModern(this.url);
  }

  override async unopened(): Promise<Unopened> {
    return { send: async (frame) => (await new RawHttp(this.url).post(frame)).frames };
  }
}

interface ChannelKind {
  readonly target: Target;
  /** Opens one more. */
  readonly open: () => Promise<Channel>;
}

/** A door where each client has a channel to the server for as long as it is there. */
export class ChannelDoor extends NetworkDoor {
  private constructor(
    private readonly kind: ChannelKind,
    ...rest: ConstructorParameters<typeof NetworkDoor>
  ) {
    super(...rest);
  }

  static async webSocket(options: DoorOptions): Promise<ChannelDoor> {
    const record = new WireRecord();
    const server = await NetworkServer.start(options);
    const tap = await SocketTap.open(server.http, record, webSocketReader);
    const url = `ws://127.0.0.1:${tap.port}/ws`;
    const kind: ChannelKind = { target: { door: 'websocket', url }, open: () => RawWebSocket.open(url) };
    return new ChannelDoor(kind, server, tap, record);
  }

  static async tcp(options: DoorOptions): Promise<ChannelDoor> {
    const record = new WireRecord();
    const server = await NetworkServer.start(options);
    const tap = await SocketTap.open(server.tcp, record, lineReader);
    const { port } = tap;
    const open = (): Promise<Channel> => RawLines.open(port, { endsLines: true });
    return new ChannelDoor({ target: { door: 'tcp', port }, open }, server, tap, record);
  }

  static async sse(options: DoorOptions): Promise<ChannelDoor> {
    const record = new WireRecord();
    const server = await NetworkServer.start(options);
    const tap = await HttpTap.open(new URL('/sse', server.url).href, record, server.ca);
    const { url } = tap;
    return new ChannelDoor({ target: { door: 'sse', url }, open: () => RawSse.open(url) }, server, tap, record);
  }

  override target(): Target {
    return this.kind.target;
  }

  override async session(revision: SpecRevision, capabilities?: Json): Promise<RawSession> {
    return ChannelSession.open(await this.kind.open(), revision, capabilities);
  }

  override async modern(): Promise<RawModern> {
    return new ChannelModern(await this.kind.open());
  }

  override async unopened(): Promise<Unopened> {
    const channel = await this.kind.open();
    return { send: (frame) => channel.exchange(frame) };
  }
}
