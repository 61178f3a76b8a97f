import type { Socket } from 'node:net';
import { type QueueLimits, Wire } from '../connections/wire.js';

/** One TCP socket: a line each message. */
export class TcpWire extends Wire {
  constructor(
    private readonly socket: Socket,
    limits: QueueLimits,
  ) {
    super(limits);
  }

  override get unreadBytes(): number {
    return this.socket.writableLength;
  }

  override pause(): void {
    this.socket.pause();
  }

  override resume(): void {
    this.socket.resume();
  }

  /** There is no word for why: what was said before is what the client knows. */
  override close(): void {
    // What still comes is let go: a socket that is closed over it would be reset, and lose what was sent.
    this.socket.resume();
    this.socket.end();
  }

  override destroy(): void {
    this.socket.destroy();
  }

  protected override write(text: string, done: () => void): void {
    this.socket.write(`${text}\n`, done);
  }
}
