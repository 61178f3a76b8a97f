import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { ERROR_CODES } from '../../src/common/index.js';
import { type WireHeaders, type WireResponse, WireConnection, wire } from '../e2e/http-wire.js';
import { checkAnswer, checkNotification, type Owed, owedTo } from './fuzz-model.js';
import { type Frame, framesOfEvents, initializeParams, isBatch, type Json, type Message, request } from './messages.js';

/** Limit of a body that the server is started with. */
export const MAX_BODY_BYTES = 1_048_576;

const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const;
type Revision = (typeof REVISIONS)[number];
const MODERN = '2026-07-28';
const REVISION_HEADER = 'MCP-Protocol-Version';
/** A longer value of a header is left out. */
const MAX_HEADER_CHARS = 2_000;

/** Headers that are sent besides the right ones or in their place, and the status that they alone lead to. */
interface OddHeaders {
  readonly headers: WireHeaders;
  readonly status?: number;
}

/** One request to the endpoint. */
export interface HttpFuzz {
  readonly method: string;
  /** Whose session it names: one that is open, none, or one that never was. */
  readonly session: Revision | { readonly id: string | undefined };
  readonly odd: OddHeaders;
  readonly isChunked: boolean;
  /** Whether the headers of a request of 2026-07-28 say what its body does. */
  readonly isHonest: boolean;
  readonly body: Buffer;
}

const headerText = fc
  .string({ unit: fc.integer({ min: 0x21, max: 0xff }).map((code) => String.fromCharCode(code)), minLength: 1 })
  .filter((text) => !text.includes('\x7f'));
const odd = (name: string, values: readonly string[], status?: number): fc.Arbitrary<OddHeaders> =>
  fc.constantFrom(...values).map((value) => ({ headers: { [name]: value }, ...(status !== undefined && { status }) }));

const oddHeaders: fc.Arbitrary<OddHeaders> = fc.oneof(
  { weight: 14, arbitrary: fc.constant({ headers: {} }) },
  { weight: 2, arbitrary: odd(REVISION_HEADER, [...REVISIONS, MODERN]) },
  { weight: 1, arbitrary: headerText.map((text) => ({ headers: { [REVISION_HEADER]: `x${text}` } })) },
  {
    weight: 1,
    arbitrary: headerText.map((text) => ({ headers: { 'Mcp-Method': text, 'Mcp-Name': `=?base64?${text}?=` } })),
  },
  { weight: 1, arbitrary: odd('Content-Type', ['text/plain', 'application/jsonp', '', 'é'], 415) },
  { weight: 1, arbitrary: odd('Content-Type', ['application/json;charset=utf-8', 'Application/JSON']) },
  { weight: 1, arbitrary: odd('Content-Encoding', ['gzip', 'br', 'gzip, identity'], 415) },
  { weight: 1, arbitrary: odd('Accept', ['text/html', 'application/json', '*/*;q=0', ';;,,='], 406) },
  { weight: 1, arbitrary: odd('Accept', ['*/*', 'text/event-stream, application/json;q=0.1']) },
  { weight: 1, arbitrary: headerText.map((text) => ({ headers: { Origin: `x${text}` }, status: 403 })) },
  { weight: 1, arbitrary: headerText.map((text) => ({ headers: { Host: `x${text}` }, status: 403 })) },
  { weight: 1, arbitrary: headerText.map((text) => ({ headers: { 'Last-Event-ID': text, Authorization: text } })) },
  {
    weight: 1,
    arbitrary: headerText.map((text) => ({ headers: { Expect: '100-continue', 'X-Forwarded-For': text } })),
  },
);

/** @param body bytes of the body */
export function httpFuzz(body: fc.Arbitrary<Buffer>): fc.Arbitrary<HttpFuzz> {
  return fc.record({
    method: fc.oneof(
      { weight: 40, arbitrary: fc.constant('POST') },
      { weight: 1, arbitrary: fc.constantFrom('PUT', 'PATCH', 'TRACE', 'PROPFIND') },
    ),
    session: fc.oneof(
      { weight: 16, arbitrary: fc.constantFrom(...REVISIONS) },
      { weight: 2, arbitrary: fc.constant({ id: undefined }) },
      { weight: 1, arbitrary: headerText.map((id) => ({ id })) },
    ),
    odd: oddHeaders,
    isChunked: fc.boolean(),
    isHonest: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    body,
  });
}

/** Sessions of every revision and some connections, over which requests go that may be anything. */
export class HttpFuzzer {
  private readonly free: WireConnection[] = [];
  /** Longest time that an answer took, ms. */
  slowestMs = 0;

  private constructor(
    private readonly url: string,
    private readonly sessions: ReadonlyMap<Revision, string>,
  ) {}

  static async open(url: string): Promise<HttpFuzzer> {
    const sessions = new Map<Revision, string>();
    const fuzzer = new HttpFuzzer(url, sessions);
    for (const revision of REVISIONS) {
      const body = JSON.stringify(request(0, 'initialize', initializeParams(revision)));
      const { headers } = await fuzzer.exchange(wire(url, { body }));
      sessions.set(revision, headers['mcp-session-id'] ?? '');
    }
    return fuzzer;
  }

  /** Sends one good message. @returns its answer */
  async ask(message: Json): Promise<Message> {
    const headers = { 'Mcp-Session-Id': this.sessions.get('2025-11-25') ?? '' };
    const { body } = await this.exchange(wire(this.url, { body: JSON.stringify(message), headers }));
    return JSON.parse(body) as Message;
  }

  /** @throws Error the answer is not as it must be */
  async send(fuzz: HttpFuzz): Promise<void> {
    const startedAt = performance.now();
    const response = await this.exchange(this.bytesOf(fuzz));
    this.slowestMs = Math.max(this.slowestMs, performance.now() - startedAt);
    try {
      judge(fuzz, response);
    } catch (cause) {
      const { status, body } = response;
      const sent = { ...fuzz, body: shown(fuzz.body.toString('latin1')) };
      throw new Error(`${String(cause)}\nsent: ${JSON.stringify(sent)}\ncame: ${status} ${shown(body)}`, { cause });
    }
  }

  /**
   * Sends bytes that may not even be HTTP, and hangs up.
   * @throws Error something other than HTTP came back
   */
  async sendBroken(bytes: Buffer): Promise<void> {
    const connection = await WireConnection.open(this.url);
    connection.send(bytes);
    connection.finish();
    const came = await connection.closed();
    if (came !== '' && !/^HTTP\/1\.1 (100|200|202|204|400|403|404|405|406|408|413|415|417|431) /.test(came)) {
      throw new Error(`sent: ${shown(bytes.toString('latin1'))}\ncame: ${shown(came)}`);
    }
  }

  bytesOf(fuzz: HttpFuzz): Buffer {
    const { method, session, isChunked, body } = fuzz;
    const id = typeof session === 'string' ? this.sessions.get(session) : session.id;
    const headers = {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...(id !== undefined && { 'Mcp-Session-Id': id }),
      ...ownHeadersOf(fuzz),
    };
    if (!isChunked) return wire(this.url, { method, headers, body });
    const head = wire(this.url, { method, headers: { ...headers, 'Transfer-Encoding': 'chunked' } });
    return Buffer.concat([head, ...chunks(body), Buffer.from('0\r\n\r\n')]);
  }

  /** Ends the connections that are kept. */
  close(): void {
    for (const connection of this.free.splice(0)) connection.end();
  }

  private async exchange(bytes: Buffer): Promise<WireResponse> {
    const connection = this.free.pop() ?? (await WireConnection.open(this.url));
    connection.send(bytes);
    const response = await connection.response();
    if (response.headers['connection'] === 'close') await connection.closed();
    else this.free.push(connection);
    return response;
  }
}

/** Headers besides those that every request has. */
function ownHeadersOf({ isHonest, body, odd: { headers } }: HttpFuzz): WireHeaders {
  return { ...(isHonest && headersOf(body)), ...headers };
}

/** What the headers of a request of 2026-07-28 have to say; nothing for any other body. */
function headersOf(body: Buffer): WireHeaders {
  let message: Json;
  try {
    message = JSON.parse(body.toString('utf8')) as Json;
  } catch {
    return {};
  }
  const { method, params } = (message ?? {}) as { method?: unknown; params?: Json };
  const meta = (params?.['_meta'] ?? {}) as Json;
  const revision = meta['io.modelcontextprotocol/protocolVersion'];
  if (typeof method !== 'string' || (revision === undefined && method !== 'server/discover')) return {};
  const name = params?.['name'] ?? params?.['uri'] ?? params?.['taskId'];
  return {
    ...(typeof revision === 'string' && { [REVISION_HEADER]: headerOf(revision) }),
    'Mcp-Method': headerOf(method),
    ...(typeof name === 'string' && { 'Mcp-Name': headerOf(name) }),
  };
}

/** @returns null for what is too long for a header */
function headerOf(value: string): string | null {
  const isPlain = /^[\x21-\x7e]*$/.test(value) && !value.startsWith('=?');
  const text = isPlain ? value : `=?base64?${Buffer.from(value).toString('base64')}?=`;
  return text.length > MAX_HEADER_CHARS ? null : text;
}

function chunks(body: Buffer): Buffer[] {
  const middle = Math.ceil(body.length / 2);
  return [body.subarray(0, middle), body.subarray(middle)].flatMap((piece) =>
    piece.length === 0 ? [] : [Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')],
  );
}

/** @throws Error what is wrong with the answer */
function judge(fuzz: HttpFuzz, response: WireResponse): void {
  const owed = owedTo(fuzz.body, { maxBytes: MAX_BODY_BYTES, takesBatches: fuzz.session === '2025-03-26' });
  const { status, body } = response;
  const allowed = statusesOf(fuzz, owed);
  if (!allowed.includes(status)) throw new Error(`The status is not one of ${allowed.join(', ')}`);
  if (status === 202) {
    if (body !== '') throw new Error('Nothing is owed, and something came');
  } else if (status === 200) {
    judgeAnswers(owed, framesOf(response));
  } else {
    const [frame] = framesOf(response) as Message[];
    // What was refused before its body was read has no id, nor has what was refused as a batch.
    const isRead = fuzz.odd.status === undefined && fuzz.method === 'POST' && owed.form === 'one';
    const kind = checkAnswer(frame as Message, isRead ? (owed.answers[0]?.id ?? null) : null);
    if (!kind || ERROR_CODES[kind].http !== status) throw new Error('The status is not that of the error');
  }
}

/** Statuses that a request may be answered with: what is looked at first decides. */
function statusesOf(fuzz: HttpFuzz, owed: Owed): readonly number[] {
  const {
    method,
    session,
    odd: { status },
    body,
  } = fuzz;
  if (status === 403) return [403];
  if (method !== 'POST') return [405];
  if (status !== undefined) return [status];
  if (body.length > MAX_BODY_BYTES) return [413];
  if (!isUtf8(body)) return [400];
  const [first] = owed.form === 'one' ? owed.answers : [];
  // A request of 2026-07-28 has no session, and a status for more of what may be wrong with it.
  if (first?.isModern) return [200, 400, 404];
  const revision = ownHeadersOf(fuzz)[REVISION_HEADER] ?? '2025-11-25';
  // Notifications of that revision are let go; answers to requests are none.
  if (revision === MODERN && owed.form === 'nothing') return [202, 400];
  if (owed.isReadable && !REVISIONS.some((known) => known === revision)) return [400];
  const isInitialize = first?.method === 'initialize';
  if (typeof session !== 'string') {
    if (session.id !== undefined) return [isInitialize ? 400 : 404];
    return isInitialize ? [200, 400] : [400];
  }
  if (isInitialize || !owed.isReadable) return [400];
  // An error of the request as such has a status, one of what it asks for has not.
  if (owed.form === 'one') return [200, 400];
  return owed.form === 'batch' ? [200] : [202];
}

function judgeAnswers({ form, answers }: Owed, frames: readonly Frame[]): void {
  const last = frames.at(-1);
  frames.slice(0, -1).forEach(checkNotification);
  if (last === undefined || isBatch(last) !== (form === 'batch')) throw new Error('What came is not what is owed');
  const came = isBatch(last) ? last : [last];
  if (came.length !== answers.length) throw new Error(`${answers.length} answers are owed`);
  for (const [at, answer] of came.entries()) checkAnswer(answer, answers[at]?.id ?? null);
}

function framesOf({ headers, body }: WireResponse): readonly Frame[] {
  const type = headers['content-type'];
  if (type === 'text/event-stream') return framesOfEvents(body);
  if (type !== 'application/json') throw new Error(`The media type is ${type}`);
  return [JSON.parse(body) as Frame];
}

function shown(text: string): string {
  return text.length > 2_000 ? `${text.slice(0, 2_000)}… (${text.length} characters)` : text;
}
