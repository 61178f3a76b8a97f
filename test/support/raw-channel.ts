import { type Frame, initializeParams, isAnswer, type Json, type Message, request } from './messages.js';
import { within } from './waiting.js';

/** A way to one server that messages go both ways on, for a peer that knows nothing of MCP. */
export interface Channel {
  /** What came, in order. */
  readonly frames: readonly Frame[];
  /** What came, with batches taken apart. */
  readonly messages: readonly Message[];
  /** @param frame JSON value; text and bytes are sent as they are */
  send(frame: unknown): void;
  /** Waits for the first message, of any from the beginning, that is as asked. */
  message(isIt: (message: Message) => boolean, what: string): Promise<Message>;
  /** Sends a frame that is owed an answer. @returns all that came, the answer last */
  exchange(frame: unknown): Promise<readonly Frame[]>;
}

/** Tells apart what a way to the server is made of. */
export abstract class RawChannel implements Channel {
  readonly frames: Frame[] = [];
  readonly messages: Message[] = [];
  private readonly listeners = new Set<() => void>();
  private isOver = false;

  abstract send(...frames: readonly unknown[]): void;

  /** Opens a session. */
  async initialize(revision = '2025-11-25', capabilities: Json = {}): Promise<Message> {
    return this.request('init', 'initialize', initializeParams(revision, capabilities));
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

  message(isIt: (message: Message) => boolean, what: string): Promise<Message> {
    return this.when(() => this.messages.find(isIt), what);
  }

  async exchange(frame: unknown): Promise<readonly Frame[]> {
    const { length } = this.frames;
    this.send(frame);
    const end = await this.when(() => {
      const at = this.frames.findIndex((each, index) => index >= length && isAnswer(each));
      return at < 0 ? undefined : at + 1;
    }, 'the next answer');
    return this.frames.slice(length, end);
  }

  /** Waits until so many messages have come. */
  async count(count: number): Promise<readonly Message[]> {
    await this.when(() => this.messages.length >= count || undefined, `${count} messages`);
    return this.messages;
  }

  /** Takes in the text of one frame that came. */
  protected take(text: string): void {
    const frame = JSON.parse(text) as Frame;
    this.frames.push(frame);
    this.messages.push(...[frame].flat());
    this.tell();
  }

  /** Nothing more will come. */
  protected over(): void {
    this.isOver = true;
    this.tell();
  }

  private when<T>(find: () => T | undefined, what: string): Promise<T> {
    const found = new Promise<T>((resolve, reject) => {
      const look = (): void => {
        const it = find();
        if (it === undefined && !this.isOver) return;
        this.listeners.delete(look);
        if (it !== undefined) resolve(it);
        else reject(new Error(`It ended before ${what}: ${JSON.stringify(this.frames).slice(0, 2_000)}`));
      };
      this.listeners.add(look);
      look();
    });
    return within(found, what);
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
