import { RawChannel } from './raw-channel.js';
import { RawHttp, type RawStream } from './raw-http.js';

export interface PostOptions {
  /** Path, in place of the one that the stream has named. */
  readonly path?: string;
  readonly headers?: Record<string, string>;
}

/** A client of the older transport, without any library. @see MCP 2024-11-05, basic/transports, "HTTP with SSE" */
export class RawSse extends RawChannel {
  private readChars = 0;
  /** One POST at a time: messages come in the order in which they were sent. */
  private sending: Promise<void> = Promise.resolve();

  private constructor(
    readonly stream: RawStream,
    /** Where the stream says that messages go. */
    readonly endpoint: string,
    private readonly base: string,
  ) {
    super();
    stream.onRead(() => this.read());
    void stream.closed.then(() => this.over());
    this.read();
  }

  static async open(url: string, headers: Record<string, string> = {}): Promise<RawSse> {
    const stream = await new RawHttp(url).stream(headers);
    const [, endpoint = ''] = await stream.said(/^event: endpoint\ndata: (\S+)\n\n/);
    return new RawSse(stream, endpoint, new URL(url).origin);
  }

  get id(): string {
    return new URL(this.endpoint, this.base).searchParams.get('sessionId') ?? '';
  }

  /** @param body JSON value; text and bytes are sent as they are */
  post(body: unknown, { path = this.endpoint, headers = {} }: PostOptions = {}): Promise<Response> {
    return fetch(new URL(path, this.base), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body),
    });
  }

  /** What is refused at once, in the answer to its POST, is taken in as what comes on the stream is. */
  override send(...frames: readonly unknown[]): void {
    for (const frame of frames) {
      this.sending = this.sending
        .then(async () => {
          const answer = await this.post(frame);
          const text = await answer.text();
          if (answer.status !== 202) this.take(text);
        })
        // The server is gone: who waits for an answer is told so.
        .catch(() => this.over());
    }
  }

  async leave(): Promise<void> {
    await this.stream.leave();
  }

  private read(): void {
    const end = this.stream.text.lastIndexOf('\n\n');
    if (end < this.readChars) return;
    const events = this.stream.text.slice(this.readChars, end).split('\n\n');
    this.readChars = end + 2;
    for (const event of events) {
      const [, data] = /^event: message\ndata: (.*)$/s.exec(event) ?? [];
      if (data !== undefined) this.take(data);
    }
  }
}
