import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type Frame, initializeParams, type Json, type Message, request } from './messages.js';
import { within } from './waiting.js';

/** A TCP client of lines of JSON. */
export class RawLines {
  readonly messages: Message[] = [];
  private readonly chunks: string[] = [];
  /** What came after the last line break. */
  private rest: string[] = [];
  private isOver = false;
  private readonly listeners = new Set<() => void>();
  /** When the server has closed the connection, or it broke. */
  readonly ended: Promise<void>;

  private constructor(readonly socket: Socket) {
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      this.chunks.push(chunk);
      this.read(chunk);
      this.tell();
    });
    socket.on('error', () => undefined);
    this.ended = new Promise((resolve) =>
      socket.on('close', () => {
        this.isOver = true;
        resolve();
        this.tell();
      }),
    );
  }

  /** @param tls where the door speaks it; certificates are checked as any client does */
  static async open(port: number, tls?: ConnectionOptions): Promise<RawLines> {
    const place = { port, host: '127.0.0.1' };
    const socket = tls ? connectTls({ ...place, ...tls }) : connect(place);
    const lines = new RawLines(socket);
    const opened = new Promise<void>((resolve, reject) => {
      socket.once(tls ? 'secureConnect' : 'connect', resolve).once('error', reject);
      socket.once('close', () => reject(new Error('The connection closed before it was open')));
    });
    await within(opened, 'a connection');
    return lines;
  }

  /** @param frames JSON values; text is sent as it is, without a line break */
  send(...frames: readonly unknown[]): void {
    for (const frame of frames) {
      this.socket.write(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : `${JSON.stringify(frame)}\n`);
    }
  }

  /** All that was said. */
  get text(): string {
    return this.chunks.join('');
  }

  async initialize(revision = '2025-11-25'): Promise<Message> {
    return this.request('init', 'initialize', initializeParams(revision));
  }

  async request(id: unknown, method: string, params?: Json): Promise<Message> {
    this.send(request(id, method, params));
    return this.answer(id);
  }

  callTool(id: unknown, name: string, args: Json = {}): Promise<Message> {
    return this.request(id, 'tools/call', { name, arguments: args });
  }

  answer(id: unknown): Promise<Message> {
    return this.message((message) => message.method === undefined && message.id === id, `the answer to ${String(id)}`);
  }

  message(isIt: (message: Message) => boolean, what: string): Promise<Message> {
    const found = new Promise<Message>((resolve, reject) => {
      const look = (): void => {
        const it = this.messages.find(isIt);
        if (!it && !this.isOver) return;
        this.listeners.delete(look);
        if (it) resolve(it);
        else reject(new Error(`The connection ended before ${what}: ${this.text.slice(0, 2_000)}`));
      };
      this.listeners.add(look);
      look();
    });
    return within(found, what);
  }

  async count(count: number): Promise<readonly Message[]> {
    await this.message(() => this.messages.length >= count, `${count} messages`);
    return this.messages;
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
      const line = JSON.parse(this.rest.join('')) as Frame;
      this.messages.push(...[line].flat());
      this.rest = [start];
    }
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
