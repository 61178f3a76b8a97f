import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Ending } from '../connections/ending.js';
import { type QueueLimits, Wire } from '../connections/wire.js';

/** When a peer is asked whether it lives, and how long it has to answer (S0-31). */
export interface WsBeats {
  readonly pingMs: number;
  readonly pongMs: number;
}

/** One WebSocket: a text frame each message. */
export class WsWire extends Wire {
  private isPaused = false;
  private isCorked = false;
  private askedAt: number;
  /** Bytes that had come when the peer was asked; undefined while no answer is due. */
  private bytesThen: number | undefined;

  /**
   * @param socket that the WebSocket runs on: whatever comes on it shows that the peer lives, be it a pong or a piece of
   *   a frame that is too large for one to get in between
   * @param now monotonic ms
   */
  constructor(
    private readonly ws: WebSocket,
    private readonly socket: Duplex & Partial<Pick<Socket, 'bytesRead'>>,
    private readonly beats: WsBeats,
    { limits, now }: { readonly limits: QueueLimits; readonly now: number },
  ) {
    super(limits);
    this.askedAt = now;
  }

  override get unreadBytes(): number {
    return this.ws.bufferedAmount;
  }

  override pause(): void {
    this.isPaused = true;
    this.ws.pause();
  }

  override resume(): void {
    this.isPaused = false;
    this.ws.resume();
  }

  override close({ code, reason }: Ending): void {
    // The goodbye of the peer has to be heard.
    if (this.isPaused) this.resume();
    this.ws.close(code, reason);
  }

  override destroy(): void {
    this.ws.terminate();
  }

  override beat(now: number): boolean {
    // Of one that is not listened to, no answer can be expected.
    if (this.isPaused) this.bytesThen = undefined;
    const bytes = this.socket.bytesRead ?? 0;
    if (this.bytesThen !== undefined) {
      if (bytes !== this.bytesThen) this.bytesThen = undefined;
      else if (now - this.askedAt >= this.beats.pongMs) return false;
    }
    if (this.bytesThen === undefined && !this.isPaused && now - this.askedAt >= this.beats.pingMs) {
      this.askedAt = now;
      this.bytesThen = bytes;
      this.ws.ping();
    }
    return true;
  }

  /** What is sent in one turn goes out in one piece: answers to frames that came together leave together. */
  protected override write(text: string, done: () => void): void {
    if (!this.isCorked) {
      this.isCorked = true;
      this.socket.cork();
      process.nextTick(uncork, this);
    }
    this.ws.send(text, done);
  }

  /** Sends what was written in this turn. */
  flush(): void {
    this.isCorked = false;
    this.socket.uncork();
  }
}

function uncork(wire: WsWire): void {
  wire.flush();
}
