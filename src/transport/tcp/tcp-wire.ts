import type { Socket } from 'node:net';
import { type QueueLimits, Wire } from '../connections/wire.js';

/** One TCP socket: a line each message. */
export class TcpWire extends Wire {
  private isCorked = false;

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

  /** What is sent in one turn goes out in one piece: answers to lines that came together leave together. */
  protected override write(text: string, done: () => void): void {
    if (!this.isCorked) {
      this.isCorked = true;
      this.socket.cork();
      process.nextTick(uncork, this);
    }
    this.socket.write(`${text}\n`, done);
  }

  /** Sends what was written in this turn. */
  flush(): void {
    this.isCorked = false;
    this.socket.uncork();
  }
}

function uncork(wire: TcpWire): void {
  wire.flush();
}
