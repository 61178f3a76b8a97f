import { type Envelope, isAnswer, type Json, type Message, modernHeaders, modernParams, request } from './messages.js';
import type { Channel } from './raw-channel.js';
import { answerIn, RawHttp } from './raw-http.js';
import { type Ongoing, ongoingOf, ongoingOn, type Outcome } from './raw-session.js';

let ids = 0;

/** A request of 2026-07-28 under an id of its own. */
export function modernRequest(method: string, params?: Json, envelope?: Envelope): Json & { readonly id: unknown } {
  return request(`m${++ids}`, method, modernParams(params, envelope)) as Json & { readonly id: unknown };
}

/** A client of 2026-07-28 in plain JSON, through whichever door. */
export interface RawModern {
  /** Sends a request. @returns all that came for it */
  send(frame: Json): Promise<Outcome>;
  /** Sends a request whose answer is read while it comes. */
  open(frame: Json & { readonly id: unknown }): Promise<Ongoing>;
}

/** @returns the result of a request that succeeds */
export async function modernResult(
  client: RawModern,
  method: string,
  params?: Json,
  envelope?: Envelope,
): Promise<Json> {
  const { answer } = await client.send(modernRequest(method, params, envelope));
  if (!answer.result) throw new Error(`${method} was refused: ${JSON.stringify(answer.error)}`);
  return answer.result;
}

/** @returns the error of a request that is refused */
export async function modernError(
  client: RawModern,
  method: string,
  params?: Json,
  envelope?: Envelope,
): Promise<Message['error']> {
  const { answer } = await client.send(modernRequest(method, params, envelope));
  return answer.error;
}

/** Each request a POST of its own, with the headers that repeat it. */
export class HttpModern implements RawModern {
  private readonly http: RawHttp;

  constructor(url: string) {
    this.http = new RawHttp(url);
  }

  async send(frame: Json): Promise<Outcome> {
    const { frames } = await this.http.post(frame, modernHeaders(frame));
    return { before: frames.filter((each) => !isAnswer(each)) as Message[], answer: answerIn(frames) };
  }

  async open(frame: Json & { readonly id: unknown }): Promise<Ongoing> {
    return ongoingOf(await this.http.postOpen(frame, modernHeaders(frame)), frame.id);
  }
}

/** Every request on one channel: stdio, WebSocket and TCP. */
export class ChannelModern implements RawModern {
  constructor(private readonly channel: Channel) {}

  async send(frame: Json): Promise<Outcome> {
    const ongoing = ongoingOn(this.channel, frame as Json & { readonly id: unknown });
    const answer = await ongoing.answer();
    const before = ongoing.messages.slice(0, ongoing.messages.indexOf(answer));
    return { before: before.filter(({ method }) => method !== undefined), answer };
  }

  async open(frame: Json & { readonly id: unknown }): Promise<Ongoing> {
    return ongoingOn(this.channel, frame);
  }
}
