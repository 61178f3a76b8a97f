import { type AddressInfo, connect as connectPlain, createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Frame } from '../messages.js';
import { Conversation, type WireRecord } from './conversation.js';
import type { TextReader } from './text-readers.js';

export interface TapTarget {
  readonly port: number;
  /** Certificate that the server is to show; spoken to without TLS when left out. */
  readonly ca?: string | undefined;
}

/** Reads the texts of messages out of bytes, each side with one of its own. */
export type MakeReader = (onText: (text: string) => void) => TextReader;

/**
 * A relay in front of a socket that changes nothing, and has every message of the server checked. Where the server speaks
 * TLS the relay takes it off, having held the certificate against the one that is expected.
 */
export class SocketTap {
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly target: TapTarget,
    private readonly record: WireRecord,
    private readonly server: Server,
    private readonly makeReader: MakeReader,
  ) {}

  static async open(target: TapTarget, record: WireRecord, makeReader: MakeReader): Promise<SocketTap> {
    const server = createServer({ allowHalfOpen: true });
    const tap = new SocketTap(target, record, server, makeReader);
    server.on('connection', (socket: Socket) => tap.relay(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return tap;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private relay(client: Socket): void {
    const { port, ca } = this.target;
    const at = { port, host: '127.0.0.1', allowHalfOpen: true };
    const server = ca === undefined ? connectPlain(at) : connectTls({ ...at, ca, servername: 'localhost' });
    const conversation = new Conversation(this.record);
    const fromClient = this.makeReader((text) => conversation.clientSent(parsed(text)));
    const fromServer = this.makeReader((text) => conversation.serverSent(JSON.parse(text) as Frame));
    this.pass(client, server, fromClient);
    this.pass(server, client, fromServer);
  }

  private pass(from: Socket, to: Socket, reader: TextReader): void {
    this.sockets.add(from);
    from.setNoDelay(true);
    from.on('data', (chunk: Buffer) => {
      reader(chunk);
      if (!to.write(chunk)) from.pause();
    });
    to.on('drain', () => from.resume());
    from.on('end', () => to.end());
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.sockets.delete(from);
      // What was said before it left is still brought to the other side.
      if (from.readableEnded) to.end();
      else to.destroy();
    });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What the client sends may be anything: the server is to say what is wrong with it.
    return undefined;
  }
}
