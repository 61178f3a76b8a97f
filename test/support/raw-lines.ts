import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { RawChannel } from './raw-channel.js';
import { within } from './waiting.js';

export interface LineOptions {
  readonly endsLines?: boolean;
  readonly tls?: ConnectionOptions;
  readonly host?: string;
}

/** A TCP client of lines of JSON. */
export class RawLines extends RawChannel {
  private readonly chunks: string[] = [];
  /** What came after the last line break. */
  private rest: string[] = [];
  /** When the server has closed the connection, or it broke. */
  readonly ended: Promise<void>;

  private constructor(
    readonly socket: Socket,
    private readonly endsLines: boolean,
  ) {
    super();
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      this.chunks.push(chunk);
      this.read(chunk);
    });
    socket.on('error', () => undefined);
    this.ended = new Promise((resolve) =>
      socket.on('close', () => {
        resolve();
        this.over();
      }),
    );
  }

  /**
   * @param options.endsLines whether text and bytes that are sent get a line break; what is JSON has one in any case
   * @param options.tls where the door speaks it; certificates are checked as any client does
   */
  static async open(port: number, { endsLines = false, tls, host = '127.0.0.1' }: LineOptions = {}): Promise<RawLines> {
    const place = { port, host };
    const socket = tls ? connectTls({ ...place, ...tls }) : connect(place);
    const lines = new RawLines(socket, endsLines);
    const opened = new Promise<void>((resolve, reject) => {
      socket.once(tls ? 'secureConnect' : 'connect', resolve).once('error', reject);
      socket.once('close', () => reject(new Error('The connection closed before it was open')));
    });
    await within(opened, 'a connection');
    return lines;
  }

  /** @param frames JSON values; text and bytes are sent as they are */
  override send(...frames: readonly unknown[]): void {
    for (const frame of frames) {
      const isRaw = typeof frame === 'string' || Buffer.isBuffer(frame);
      const text = isRaw ? frame : JSON.stringify(frame);
      const end = !isRaw || this.endsLines ? '\n' : '';
      this.socket.write(Buffer.isBuffer(text) ? Buffer.concat([text, Buffer.from(end)]) : text + end);
    }
  }

  /** All that was said. */
  get text(): string {
    return this.chunks.join('');
  }

  /** Waits for the end. @returns all that was said */
  async end(): Promise<string> {
    await within(this.ended, 'the end of the connection');
    return this.text;
  }

  /** Says that nothing more will be sent, and goes on listening. */
  finish(): void {
    this.socket.end();
  }

  /** Leaves in order. */
  leave(): void {
    this.socket.destroy();
  }

  /** Leaves without a word, as a program that was killed. */
  vanish(): void {
    this.socket.resetAndDestroy();
  }

  private read(chunk: string): void {
    const [first = '', ...more] = chunk.split('\n');
    this.rest.push(first);
    for (const start of more) {
      this.take(this.rest.join(''));
      this.rest = [start];
    }
  }
}
