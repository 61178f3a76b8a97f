import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { Json } from '../support/messages.js';
import { within } from '../support/waiting.js';

/** One answer, byte for byte. */
export interface WireResponse {
  readonly status: number;
  /** Names in lower case; a header that came twice has both values, comma separated. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Header lines; null leaves out one that a request has otherwise, a list sends it several times. */
export type WireHeaders = Readonly<Record<string, string | readonly string[] | null>>;

interface WireRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: WireHeaders;
  readonly body?: string | Buffer;
}

const JSON_POST: WireHeaders = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };
const NO_BODY: ReadonlySet<number> = new Set([204, 304]);

/** The bytes of a request to an endpoint: a correct POST, but for what is said otherwise. */
export function wire(url: string, { method = 'POST', path, headers = {}, body }: WireRequest = {}): Buffer {
  const { host, pathname } = new URL(url);
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  const all = { Host: host, ...(method === 'POST' && JSON_POST), ...length, ...headers };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((each) => `${name}: ${each}\r\n`),
  );
  const head = Buffer.from(`${method} ${path ?? pathname} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
  return Buffer.concat([head, Buffer.from(body ?? '')]);
}

/** One TCP connection, spoken to in bytes. */
export class WireConnection {
  private received: Buffer = Buffer.alloc(0);
  private isOver = false;
  private readonly listeners = new Set<() => void>();

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.tell();
    });
    // Told by 'close' as well, with or without an error before it.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isOver = true;
      this.tell();
    });
  }

  static async open(url: string): Promise<WireConnection> {
    const { port, hostname } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.setNoDelay(true);
    await within(new Promise<void>((resolve) => socket.once('connect', resolve)), 'a connection');
    return new WireConnection(socket);
  }

  send(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Waits for the next answer. @param isHead whether it is to a HEAD, which has no body whatever its headers say */
  async response({ isHead = false } = {}): Promise<WireResponse> {
    return this.waitFor(() => {
      const parsed = parse(this.received, { isHead, isOver: this.isOver });
      if (!parsed) return undefined;
      this.received = this.received.subarray(parsed.end);
      return parsed.response;
    }, 'an answer');
  }

  /** Waits until something that is not yet an answer has come, such as an event. */
  async said(text: string): Promise<void> {
    await this.waitFor(() => (this.received.includes(text) ? true : undefined), JSON.stringify(text));
  }

  /** Waits until the server has closed the connection. @returns what it said that was not taken as an answer */
  async closed(): Promise<string> {
    await this.waitFor(() => (this.isOver ? true : undefined), 'the end of the connection');
    return this.received.toString('latin1');
  }

  /** Leaves without a word, as a program that was killed. */
  leave(): void {
    this.socket.resetAndDestroy();
  }

  /** Says that nothing more will be sent, and goes on listening. */
  finish(): void {
    this.socket.end();
  }

  /** Leaves in order. */
  end(): void {
    this.socket.destroy();
  }

  private waitFor<T>(find: () => T | undefined, what: string): Promise<T> {
    const found = new Promise<T>((resolve, reject) => {
      const look = (): void => {
        const it = find();
        if (it === undefined && !this.isOver) return;
        this.listeners.delete(look);
        if (it !== undefined) resolve(it);
        else reject(new Error(`The connection ended before ${what}: ${this.received.toString('latin1')}`));
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

/** Sends one request on a connection of its own. */
export async function exchange(
  url: string,
  bytes: string | Buffer,
  options: { readonly isHead?: boolean } = {},
): Promise<WireResponse> {
  const connection = await WireConnection.open(url);
  try {
    connection.send(bytes);
    return await connection.response(options);
  } finally {
    connection.end();
  }
}

/** What a body in JSON holds. */
export function jsonOf({ body }: WireResponse): Json {
  return JSON.parse(body) as Json;
}

/** The body of a refusal, exactly. */
export function refusal(code: number, kind: string, message: string, id: string | number | null = null): Json {
  return { jsonrpc: '2.0', id, error: { code, message, data: { kind } } };
}

/** How many files and sockets a process has open. */
export function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

interface Parsed {
  readonly response: WireResponse;
  readonly end: number;
}

function parse(bytes: Buffer, { isHead, isOver }: { isHead: boolean; isOver: boolean }): Parsed | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const [start = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(start)?.[1]);
  if (Number.isNaN(status)) throw new Error(`This is no answer: ${start}`);
  const headers = headersOf(lines);
  const from = headEnd + 4;
  // An interim answer is followed by the final one.
  if (status < 200) {
    const final = parse(bytes.subarray(from), { isHead, isOver });
    return final && { ...final, end: final.end + from };
  }
  const body = isHead || NO_BODY.has(status) ? { text: '', end: from } : bodyOf(bytes, from, { headers, isOver });
  return body && { response: { status, headers, body: body.text }, end: body.end };
}

function headersOf(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return headers;
}

function bodyOf(
  bytes: Buffer,
  from: number,
  { headers, isOver }: { headers: Readonly<Record<string, string>>; isOver: boolean },
): { text: string; end: number } | undefined {
  const length = headers['content-length'];
  if (length !== undefined) {
    const end = from + Number(length);
    return bytes.length < end ? undefined : { text: bytes.toString('utf8', from, end), end };
  }
  if (headers['transfer-encoding'] === 'chunked') return chunkedBody(bytes, from);
  return isOver ? { text: bytes.toString('utf8', from), end: bytes.length } : undefined;
}

function chunkedBody(bytes: Buffer, from: number): { text: string; end: number } | undefined {
  const chunks: Buffer[] = [];
  for (let at = from; ;) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const end = lineEnd + 2 + size + 2;
    if (bytes.length < end) return undefined;
    if (size === 0) return { text: Buffer.concat(chunks).toString('utf8'), end };
    chunks.push(bytes.subarray(lineEnd + 2, end - 2));
    at = end;
  }
}
