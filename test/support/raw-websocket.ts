import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type ClientOptions, WebSocket } from 'ws';
import type { Json } from './messages.js';
import { RawChannel } from './raw-channel.js';
import { within } from './waiting.js';

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** An upgrade that was refused. */
export interface RefusedUpgrade {
  readonly status: number;
  /** Reason phrase of the status line. */
  readonly phrase: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Json;
}

/** A WebSocket client that knows nothing of MCP. */
export class RawWebSocket extends RawChannel {
  readonly closed: Promise<Closed>;

  private constructor(readonly ws: WebSocket) {
    super();
    ws.on('message', (data) => this.take((data as Buffer).toString('utf8')));
    ws.on('error', () => undefined);
    this.closed = new Promise((resolve) =>
      ws.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString('utf8') });
        this.over();
      }),
    );
  }

  static async open(url: string, options: ClientOptions & { protocols?: string[] } = {}): Promise<RawWebSocket> {
    const { protocols = ['mcp'], ...more } = options;
    const socket = new RawWebSocket(new WebSocket(url, protocols, more));
    await within(once(socket.ws, 'open'), `an open WebSocket at ${url}`);
    return socket;
  }

  /** Opens one that has to be refused. */
  static async refusal(url: string, options: ClientOptions & { protocols?: string[] } = {}): Promise<RefusedUpgrade> {
    const outcome = await RawWebSocket.attempt(url, options);
    if (!(outcome instanceof RawWebSocket)) return outcome;
    outcome.vanish();
    throw new Error(`The WebSocket at ${url} was not refused`);
  }

  /** Knocks: a WebSocket that is open, or how it was refused. */
  static async attempt(
    url: string,
    options: ClientOptions & { protocols?: string[] } = {},
  ): Promise<RawWebSocket | RefusedUpgrade> {
    const { protocols = ['mcp'], ...more } = options;
    const ws = new WebSocket(url, protocols, more);
    const socket = new RawWebSocket(ws);
    const outcome = await within(
      Promise.race([once(ws, 'open'), once(ws, 'unexpected-response')]),
      `an answer to an upgrade at ${url}`,
    );
    const [, res] = outcome as [unknown, IncomingMessage?];
    if (!res) return socket;
    let text = '';
    for await (const chunk of res) text += String(chunk);
    const { statusCode: status = 0, statusMessage: phrase = '', headers } = res;
    return { status, phrase, headers, body: JSON.parse(text) as Json };
  }

  /** @param frames JSON values; text is sent as it is, and bytes as what a text frame holds */
  override send(...frames: readonly unknown[]): void {
    for (const frame of frames) {
      const payload = typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame);
      this.ws.send(payload, { binary: false });
    }
  }

  async close(): Promise<Closed> {
    this.ws.close(1000);
    return within(this.closed, 'the end of the WebSocket');
  }

  /** Leaves without a word, as a program that was killed. */
  vanish(): void {
    this.ws.terminate();
  }
}
