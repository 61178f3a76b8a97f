import { type Frame, initializeParams, type Json, type Message, notification, request } from './messages.js';
import { answerIn, RawHttp } from './raw-http.js';
import { StdioServer } from './stdio-server.js';

/** What a request led to. */
export interface Outcome {
  /** What came before the answer, in order. */
  readonly before: readonly Message[];
  readonly answer: Message;
}

/** A session of any revision, spoken to in plain JSON, through whichever door. */
export interface RawSession {
  /** The answer to `initialize`. */
  readonly opening: Message;
  /** Sends a frame that is owed an answer. @returns all that came, the answer last */
  send(frame: unknown): Promise<readonly Frame[]>;
  /** Sends a frame that is owed nothing; on HTTP it is seen that nothing came. */
  tell(frame: unknown): Promise<void>;
  /** Sends a request that is cancelled by `meanwhile`. @returns what came for it until then, and on HTTP to its end */
  sendCancelled(frame: { readonly id: unknown }, meanwhile: () => Promise<void>): Promise<readonly Frame[]>;
}

let ids = 100;

/** Sends a request under an id of its own. */
export async function ask(session: RawSession, method: string, params?: Json): Promise<Outcome> {
  const frames = await session.send(request(ids++, method, params));
  return { before: frames.slice(0, -1) as Message[], answer: frames.at(-1) as Message };
}

/** @returns the result of a request that succeeds */
export async function resultOf(session: RawSession, method: string, params?: Json): Promise<Json> {
  const { answer } = await ask(session, method, params);
  if (!answer.result) throw new Error(`${method} was refused: ${JSON.stringify(answer.error)}`);
  return answer.result;
}

/** First revision whose clients send the header of their revision. */
const FIRST_WITH_HEADER = '2025-06-18';

export class HttpSession implements RawSession {
  private constructor(
    private readonly http: RawHttp,
    private readonly headers: Readonly<Record<string, string>>,
    readonly opening: Message,
  ) {}

  static async open(url: string, revision: string): Promise<HttpSession> {
    const http = new RawHttp(url);
    const { frames, headers } = await http.post(request(0, 'initialize', initializeParams(revision)));
    const session = {
      'Mcp-Session-Id': headers.get('mcp-session-id') ?? '',
      ...(revision >= FIRST_WITH_HEADER && { 'MCP-Protocol-Version': revision }),
    };
    const self = new HttpSession(http, session, answerIn(frames));
    await self.tell(notification('notifications/initialized'));
    return self;
  }

  async send(frame: unknown): Promise<readonly Frame[]> {
    return (await this.http.post(frame, this.headers)).frames;
  }

  async tell(frame: unknown): Promise<void> {
    const { status, text } = await this.http.post(frame, this.headers);
    if (status !== 202 || text !== '') throw new Error(`Nothing was owed, and this came: ${status} ${text}`);
  }

  async sendCancelled(frame: unknown, meanwhile: () => Promise<void>): Promise<readonly Frame[]> {
    const sent = this.send(frame);
    await meanwhile();
    return sent;
  }
}

export class StdioSession implements RawSession {
  private constructor(
    private readonly server: StdioServer,
    readonly opening: Message,
  ) {}

  static async open(server: StdioServer, revision: string): Promise<StdioSession> {
    return new StdioSession(server, await server.initialize(revision));
  }

  async send(frame: unknown): Promise<readonly Frame[]> {
    return this.server.exchange(frame);
  }

  async tell(frame: unknown): Promise<void> {
    this.server.send(frame);
    // The line after it is served after it: were it answered, the answer would stand before that of the ping.
    const { length } = this.server.frames;
    await this.server.request('ping');
    const came = this.server.frames.slice(length);
    if (came.length !== 1) throw new Error(`Nothing was owed, and this came: ${JSON.stringify(came)}`);
  }

  async sendCancelled(frame: { readonly id: unknown }, meanwhile: () => Promise<void>): Promise<readonly Frame[]> {
    this.server.send(frame);
    await meanwhile();
    await this.server.request('ping');
    return this.server.messages.filter(({ id }) => id === frame.id);
  }
}
