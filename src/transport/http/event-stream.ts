import type { ServerResponse } from 'node:http';
import { UnreadError } from './unread-error.js';

/** Head of every stream of events. */
export const EVENT_STREAM_HEADERS = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
} as const;

/** How soon a client that is sent away as the server ends should come back, ms: there may be another server by then. */
export const RETRY_MS = 1_000;

/** Server-sent events over one response. @see WHATWG HTML, "Server-sent events" */
export class EventStream {
  private constructor(
    private readonly res: ServerResponse,
    private readonly maxBufferedBytes: number,
  ) {}

  /**
   * Opens the stream: from here on the response is events.
   * @param maxBufferedBytes what may wait for a slow reader before it is cut off
   */
  static open(res: ServerResponse, maxBufferedBytes: number): EventStream {
    res.writeHead(200, EVENT_STREAM_HEADERS);
    res.flushHeaders();
    return new EventStream(res, maxBufferedBytes);
  }

  get isOpen(): boolean {
    return !this.res.destroyed && !this.res.writableEnded;
  }

  /**
   * @param text one JSON-RPC message, without line breaks as JSON.stringify leaves it
   * @param id by which a client can come back for what follows
   */
  message(text: string, id?: string): void {
    const event = `event: message\ndata: ${text}\n\n`;
    this.write(id === undefined ? event : `id: ${id}\n${event}`);
  }

  /** An event without a message, so that a client can come back before there is any. */
  prime(id: string): void {
    this.write(`id: ${id}\ndata: \n\n`);
  }

  /** Says how long to wait before coming back. */
  retryAfter(ms: number): void {
    this.write(`retry: ${ms}\n\n`);
  }

  /** Keeps proxies from taking a quiet stream for a dead one. */
  comment(): void {
    this.write(': keep-alive\n\n');
  }

  end(): void {
    if (this.isOpen) this.res.end();
  }

  private write(text: string): void {
    if (!this.isOpen) return;
    this.res.write(text);
    if (this.res.writableLength > this.maxBufferedBytes) this.res.destroy(new UnreadError());
  }
}
