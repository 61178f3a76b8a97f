import { type Frame, initializeParams, type Json, type Message, notification, request } from './messages.js';
import type { Channel } from './raw-channel.js';
import { answerIn, RawHttp, type RawStream } from './raw-http.js';

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
  /** Sends a request whose answer is read while it comes. */
  open(frame: Json & { readonly id: unknown }): Promise<Ongoing>;
}

/** A request that goes on, and what came for it so far. */
export interface Ongoing {
  readonly messages: readonly Message[];
  /** Waits for the first message, of any since the request, that is as asked. */
  message(isIt: (message: Message) => boolean, what: string): Promise<Message>;
  /** Waits for the answer. */
  answer(): Promise<Message>;
  /** Leaves the request, as 2026-07-28 has it at this door. */
  leave(): Promise<void>;
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

  static async open(url: string, revision: string, capabilities: Json = {}): Promise<HttpSession> {
    const http = new RawHttp(url);
    const { frames, headers } = await http.post(request(0, 'initialize', initializeParams(revision, capabilities)));
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

  async open(frame: Json & { readonly id: unknown }): Promise<Ongoing> {
    return ongoingOf(await this.http.postOpen(frame, this.headers), frame.id);
  }

  /** Opens a stream of the session. @param lastEventId where to go on */
  stream(lastEventId?: string): Promise<RawStream> {
    return this.http.stream({ ...this.headers, ...(lastEventId !== undefined && { 'Last-Event-ID': lastEventId }) });
  }

  /** Sends a request, and gives the stream of its answer. */
  openStream(frame: unknown): Promise<RawStream> {
    return this.http.postOpen(frame, this.headers);
  }
}

/** What came on a stream, as the course of one request. */
export function ongoingOf(stream: RawStream, id: unknown): Ongoing {
  const isIt = (message: Message): boolean => message.method === undefined && message.id === id;
  return {
    get messages() {
      return stream.messages;
    },
    message: (wanted, what) => stream.message(wanted, what),
    answer: () => stream.message(isIt, `the answer to ${String(id)}`),
    leave: () => stream.leave(),
  };
}

/** A session that is its channel's: on stdio, WebSocket, TCP and legacy SSE. */
export class ChannelSession implements RawSession {
  private constructor(
    private readonly channel: Channel,
    readonly opening: Message,
  ) {}

  static async open(channel: Channel, revision: string, capabilities: Json = {}): Promise<ChannelSession> {
    const [opening] = await channel.exchange(request(0, 'initialize', initializeParams(revision, capabilities)));
    channel.send(notification('notifications/initialized'));
    return new ChannelSession(channel, opening as Message);
  }

  async send(frame: unknown): Promise<readonly Frame[]> {
    return this.channel.exchange(frame);
  }

  async tell(frame: unknown): Promise<void> {
    this.channel.send(frame);
    // What comes after it is served after it: were it answered, the answer would stand before that of the ping.
    const { length } = this.channel.frames;
    await this.ping();
    const came = this.channel.frames.slice(length);
    if (came.length !== 1) throw new Error(`Nothing was owed, and this came: ${JSON.stringify(came)}`);
  }

  async sendCancelled(frame: { readonly id: unknown }, meanwhile: () => Promise<void>): Promise<readonly Frame[]> {
    this.channel.send(frame);
    await meanwhile();
    await this.ping();
    return this.channel.messages.filter(({ id }) => id === frame.id);
  }

  async open(frame: Json & { readonly id: unknown }): Promise<Ongoing> {
    return ongoingOn(this.channel, frame);
  }

  /** Waits for the answer to a ping, whatever else is answered before. */
  private async ping(): Promise<void> {
    const ping = `ping ${ids++}`;
    this.channel.send(request(ping, 'ping'));
    await this.channel.message(({ id }) => id === ping, 'the answer to a ping');
  }
}

/** Sends a request on a channel that all requests share. */
export function ongoingOn(channel: Channel, frame: Json & { readonly id: unknown }): Ongoing {
  const { length } = channel.messages;
  const { id } = frame;
  const isIt = (message: Message): boolean => message.method === undefined && message.id === id;
  channel.send(frame);
  const message = (wanted: (message: Message) => boolean, what: string): Promise<Message> =>
    channel.message((each) => channel.messages.indexOf(each) >= length && wanted(each), what);
  return {
    get messages() {
      return channel.messages.slice(length);
    },
    message,
    answer: () => message(isIt, `the answer to ${String(id)}`),
    leave: async () => channel.send(notification('notifications/cancelled', { requestId: id })),
  };
}
