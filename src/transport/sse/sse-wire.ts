import type { ServerResponse } from 'node:http';
import { ENDING, type Ending } from '../connections/ending.js';
import { type QueueLimits, Wire } from '../connections/wire.js';
import { EVENT_STREAM_HEADERS, RETRY_MS } from '../http/event-stream.js';

/** How often a stream shows that it lives, ms. */
export interface SseBeats {
  /** For whoever is between: a comment. */
  readonly commentMs: number;
  /** For clients of the older form: a data event; undefined for the others, who would take it for a message. */
  readonly pingMs: number | undefined;
}

/** The stream of a legacy HTTP+SSE client: what it sends comes by POST, so that there is nothing to hold back here. */
export class SseWire extends Wire {
  private commentedAt: number;
  private pingedAt: number;

  /** @param now monotonic ms */
  constructor(
    private readonly res: ServerResponse,
    private readonly beats: SseBeats,
    limits: QueueLimits,
    now: number,
  ) {
    super(limits);
    this.commentedAt = this.pingedAt = now;
    res.writeHead(200, EVENT_STREAM_HEADERS);
    res.flushHeaders();
  }

  override get unreadBytes(): number {
    return this.res.writableLength;
  }

  override pause(): void {
    return undefined;
  }

  override resume(): void {
    return undefined;
  }

  override close(ending: Ending): void {
    if (ending === ENDING.shutdown) this.res.write(`retry: ${RETRY_MS}\n\n`);
    this.res.end();
  }

  override destroy(): void {
    this.res.destroy();
  }

  override beat(now: number): boolean {
    if (now - this.commentedAt >= this.beats.commentMs) {
      this.commentedAt = now;
      this.res.write(': keep-alive\n\n');
    }
    if (this.beats.pingMs !== undefined && now - this.pingedAt >= this.beats.pingMs) {
      this.pingedAt = now;
      this.data({ type: 'ping' });
    }
    return true;
  }

  /** Where to post to: the first event. @param url relative to that of the stream */
  endpoint(url: string): void {
    this.res.write(`event: endpoint\ndata: ${url}\n\n`);
  }

  /** An event of the older form, which is no JSON-RPC message (S1-14). */
  data(value: object): void {
    this.res.write(`data: ${JSON.stringify(value)}\n\n`);
  }

  protected override write(text: string, done: () => void): void {
    this.res.write(`event: message\ndata: ${text}\n\n`, done);
  }
}
