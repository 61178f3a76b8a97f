import {
  type Frame,
  framesOfEvents,
  initializeParams,
  isAnswer,
  type Json,
  type Message,
  request,
} from './messages.js';
import { PATIENCE_MS, within } from './waiting.js';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The messages of the body, be it JSON or events. */
  readonly frames: readonly Frame[];
}

type HeaderMap = Readonly<Record<string, string>>;

/** The MCP endpoint over HTTP, without any client in between. */
export class RawHttp {
  constructor(readonly url: string) {}

  /** @param body JSON value, or text that is sent as it is */
  async post(body: unknown, headers: HeaderMap = {}): Promise<HttpAnswer> {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return answerOf(response);
  }

  /** Opens a session. @returns the answer, and the headers that every later request has to carry */
  async initialize(
    revision = '2025-11-25',
    headers: HeaderMap = {},
  ): Promise<HttpAnswer & { readonly session: HeaderMap }> {
    const answer = await this.post(request(0, 'initialize', initializeParams(revision)), headers);
    const id = answer.headers.get('mcp-session-id') ?? '';
    return { ...answer, session: { ...headers, 'Mcp-Session-Id': id, 'MCP-Protocol-Version': revision } };
  }

  /** Posts a request whose answer is read while it comes. */
  async postOpen(body: unknown, headers: HeaderMap = {}): Promise<RawStream> {
    const left = new AbortController();
    const response = await within(
      fetch(this.url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...headers },
        body: JSON.stringify(body),
        signal: left.signal,
      }),
      'the headers of the answer',
    );
    return new RawStream(response, left);
  }

  async delete(headers: HeaderMap): Promise<HttpAnswer> {
    return answerOf(await fetch(this.url, { method: 'DELETE', headers, signal: AbortSignal.timeout(PATIENCE_MS) }));
  }

  /** Opens the stream of a session. */
  async stream(headers: HeaderMap): Promise<RawStream> {
    const left = new AbortController();
    const accept = { Accept: 'text/event-stream' };
    const response = await within(
      fetch(this.url, { headers: { ...accept, ...headers }, signal: left.signal }),
      'the headers of the stream',
    );
    return new RawStream(response, left);
  }
}

/** What a GET or a POST opened: a stream of events, or the refusal of one. */
export class RawStream {
  private read = '';
  private readonly listeners = new Set<() => void>();
  private isOver = false;
  /** When the server has closed the stream, or the connection broke. */
  readonly closed: Promise<void>;

  constructor(
    private readonly response: Response,
    private readonly left: AbortController,
  ) {
    this.closed = this.drain();
  }

  get status(): number {
    return this.response.status;
  }

  get headers(): Headers {
    return this.response.headers;
  }

  /** All that came so far. */
  get text(): string {
    return this.read;
  }

  /** The messages that came so far, of a stream or of one body. */
  get messages(): readonly Message[] {
    const whole = this.read.slice(0, this.read.lastIndexOf('\n') + 1);
    const isStream = (this.headers.get('content-type') ?? '').startsWith('text/event-stream');
    if (isStream) return framesOfEvents(whole).flat();
    return this.isOver && this.read !== '' ? [JSON.parse(this.read) as Message] : [];
  }

  /** Ids of the events that came so far, in order. */
  get eventIds(): readonly string[] {
    return [...this.read.matchAll(/^id: (.*)$/gm)].map(([, id = '']) => id);
  }

  /** Calls back whenever more came, and at the end. @returns what ends that */
  onRead(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Waits until the stream has said something, from its beginning. */
  said(pattern: RegExp): Promise<RegExpExecArray> {
    return this.when(() => pattern.exec(this.read) ?? undefined, String(pattern));
  }

  /** Waits for the first message, of any from the beginning, that is as asked. */
  message(isIt: (message: Message) => boolean, what: string): Promise<Message> {
    return this.when(() => this.messages.find(isIt), what);
  }

  /** Leaves, as a client that goes away. */
  async leave(): Promise<void> {
    this.left.abort();
    await this.closed;
  }

  private when<T>(find: () => T | undefined, what: string): Promise<T> {
    const found = new Promise<T>((resolve, reject) => {
      const look = (): void => {
        const it = find();
        if (it === undefined && !this.isOver) return;
        this.listeners.delete(look);
        if (it !== undefined) resolve(it);
        else reject(new Error(`The stream ended before ${what}: ${this.read}`));
      };
      this.listeners.add(look);
      look();
    });
    return within(found, `${what} on the stream`);
  }

  private async drain(): Promise<void> {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of this.response.body as unknown as AsyncIterable<Uint8Array>) {
        this.read += decoder.decode(chunk, { stream: true });
        this.tell();
      }
    } catch {
      // The connection broke, or this side left: the stream is over either way.
    }
    this.isOver = true;
    this.tell();
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

/** @returns the one answer among frames */
export function answerIn(frames: readonly Frame[]): Message {
  const answers = frames.filter(isAnswer);
  if (answers.length !== 1) throw new Error(`One answer was expected: ${JSON.stringify(frames)}`);
  return answers[0] as Message;
}

async function answerOf(response: Response): Promise<HttpAnswer> {
  const { status, headers } = response;
  const text = await response.text();
  const type = headers.get('content-type') ?? '';
  return { status, headers, text, frames: framesOf(text, type) };
}

function framesOf(text: string, type: string): Frame[] {
  if (type.startsWith('text/event-stream')) return framesOfEvents(text);
  return type.startsWith('application/json') ? [JSON.parse(text) as Json] : [];
}
