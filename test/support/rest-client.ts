import type { Json } from './messages.js';
import { PATIENCE_MS, within } from './waiting.js';

/** An answer of REST, read to its end. */
export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, where it is a JSON object. */
  readonly json: Json;
}

type HeaderMap = Readonly<Record<string, string>>;

/** The REST surface of a server. */
export class RestClient {
  /** @param base any URL of the server */
  constructor(private readonly base: string) {}

  get(path: string, headers: HeaderMap = {}): Promise<RestAnswer> {
    return this.send('GET', path, { headers });
  }

  post(path: string, body: unknown = {}, headers: HeaderMap = {}): Promise<RestAnswer> {
    return this.send('POST', path, { body, headers });
  }

  /** @param sent.body JSON value, or text that is sent as it is; none is sent where it is left out */
  async send(
    method: string,
    path: string,
    { body, headers = {} }: { readonly body?: unknown; readonly headers?: HeaderMap } = {},
  ): Promise<RestAnswer> {
    const json: HeaderMap = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const response = await fetch(new URL(path, this.base), {
      method,
      headers: { ...json, ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, text, json: isJson ? (JSON.parse(text) as Json) : {} };
  }

  /** Calls a tool. */
  execute(tool: string, args: Json = {}): Promise<RestAnswer> {
    return this.post(`/tools/${tool}/execute`, args);
  }

  /** Reads a stream until it has said so much, and leaves. */
  async streamed(path: string, isEnough: (text: string) => boolean): Promise<string> {
    const left = new AbortController();
    const response = await fetch(new URL(path, this.base), { signal: left.signal });
    const decoder = new TextDecoder();
    let text = '';
    const read = async (): Promise<string> => {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        text += decoder.decode(chunk, { stream: true });
        if (isEnough(text)) break;
      }
      return text;
    };
    try {
      return await within(read(), `enough of ${path}`);
    } finally {
      left.abort();
    }
  }
}
