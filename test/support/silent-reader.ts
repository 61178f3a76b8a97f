import { connect, type Socket } from 'node:net';
import { within } from './waiting.js';

/** A connection that takes in nothing, once it has read what it had to: what it is sent waits with the server. */
export class SilentReader {
  private constructor(private readonly socket: Socket) {
    socket.on('error', () => undefined);
  }

  /**
   * @param first what it says at first
   * @param last what it reads at last
   * @returns with all that it read
   */
  static async open(
    port: number,
    first: string | Buffer,
    last: RegExp,
  ): Promise<{ reader: SilentReader; read: string }> {
    const socket = connect(port, '127.0.0.1');
    const reader = new SilentReader(socket);
    socket.write(first);
    let read = '';
    const heard = new Promise<void>((resolve, reject) => {
      socket.on('data', (chunk: Buffer) => {
        read += chunk.toString('latin1');
        if (!last.test(read)) return;
        socket.pause();
        socket.removeAllListeners('data');
        resolve();
      });
      socket.once('close', () => reject(new Error(`It was hung up on: ${read}`)));
    });
    await within(heard, String(last));
    return { reader, read };
  }

  send(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Reads all that there is, and waits for the end. @returns how many bytes were there */
  async end(): Promise<number> {
    let bytes = 0;
    const closed = new Promise<void>((resolve) => this.socket.once('close', () => resolve()));
    this.socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
    this.socket.resume();
    if (!this.socket.destroyed) await within(closed, 'the end of the connection');
    return bytes;
  }

  leave(): void {
    this.socket.destroy();
  }
}
