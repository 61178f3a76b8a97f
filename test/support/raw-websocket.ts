import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type ClientOptions, WebSocket } from 'ws';
import { type Frame, initializeParams, type Json, type Message, request } from './messages.js';
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
export class RawWebSocket {
  readonly messages: Message[] = [];
  private readonly listeners = new Set<() => void>();
  private isOver = false;
  readonly closed: Promise<Closed>;

  private constructor(readonly ws: WebSocket) {
    ws.on('message', (data) => {
      this.messages.push(...[JSON.parse((data as Buffer).toString('utf8')) as Frame].flat());
      this.tell();
    });
    ws.on('error', () => undefined);
    this.closed = new Promise((resolve) =>
      ws.on('close', (code, reason) => {
        this.isOver = true;
        resolve({ code, reason: reason.toString('utf8') });
        this.tell();
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

  /** @param frames JSON values, or text that is sent as it is */
  send(...frames: readonly unknown[]): void {
    for (const frame of frames) this.ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  async initialize(revision = '2025-11-25', capabilities: Json = {}): Promise<Message> {
    this.send(request('init', 'initialize', initializeParams(revision, capabilities)));
    return this.answer('init');
  }

  async request(id: unknown, method: string, params?: Json): Promise<Message> {
    this.send(request(id, method, params));
    return this.answer(id);
  }

  callTool(id: unknown, name: string, args: Json = {}): Promise<Message> {
    return this.request(id, 'tools/call', { name, arguments: args });
  }

  answer(id: unknown): Promise<Message> {
    return this.message(
      (message) => message.method === undefined && message.id === id,
      `the answer to ${JSON.stringify(id)}`,
    );
  }

  /** Waits for the first message, of any from the beginning, that is as asked. */
  message(isIt: (message: Message) => boolean, what: string): Promise<Message> {
    const found = new Promise<Message>((resolve, reject) => {
      const look = (): void => {
        const it = this.messages.find(isIt);
        if (!it && !this.isOver) return;
        this.listeners.delete(look);
        if (it) resolve(it);
        else reject(new Error(`The WebSocket closed before ${what}: ${JSON.stringify(this.messages).slice(0, 2_000)}`));
      };
      this.listeners.add(look);
      look();
    });
    return within(found, what);
  }

  /** Waits until so many messages have come. */
  async count(count: number): Promise<readonly Message[]> {
    await this.message(() => this.messages.length >= count, `${count} messages`);
    return this.messages;
  }

  async close(): Promise<Closed> {
    this.ws.close(1000);
    return within(this.closed, 'the end of the WebSocket');
  }

  /** Leaves without a word, as a program that was killed. */
  vanish(): void {
    this.ws.terminate();
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
