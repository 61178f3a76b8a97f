import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { RawStream } from './raw-http.js';
import { PATIENCE_MS } from './waiting.js';

export interface SecureAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** SHA-256 of the certificate that the server showed. */
  readonly fingerprint: string;
}

/** Asks over HTTPS, on a connection of its own; certificates are checked as any client does. */
export function secureAsk(
  url: string,
  { body, headers = {}, ...tls }: RequestOptions & { readonly body?: unknown } = {},
): Promise<SecureAnswer> {
  const usual = { Accept: 'application/json, text/event-stream' };
  const sent = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const req = request(url, {
      agent: false,
      timeout: PATIENCE_MS,
      method: sent === undefined ? 'GET' : 'POST',
      headers: { ...usual, ...(sent !== undefined && { 'Content-Type': 'application/json' }), ...headers },
      ...tls,
    });
    req.on('timeout', () => req.destroy(new Error(`${url} did not answer`)));
    req.on('error', reject);
    req.on('response', (res) => {
      const { fingerprint256 = '' } = (res.socket as TLSSocket).getPeerX509Certificate() ?? {};
      let text = '';
      res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      res.on('error', reject);
      res.on('end', () =>
        resolve({ status: res.statusCode ?? 0, headers: res.headers, text, fingerprint: fingerprint256 }),
      );
    });
    req.end(sent);
  });
}

/** Opens a stream of events over HTTPS. */
export function secureStream(url: string, { headers = {}, ...tls }: RequestOptions = {}): Promise<RawStream> {
  const left = new AbortController();
  return new Promise((resolve, reject) => {
    const accept = { Accept: 'text/event-stream', ...headers };
    const req = request(url, { agent: false, signal: left.signal, headers: accept, ...tls });
    req.on('error', reject);
    req.on('response', (res: IncomingMessage) => {
      const body = Readable.toWeb(res) as unknown as ReadableStream;
      const told = Object.entries(res.headers).map(([name, value]): [string, string] => [name, String(value)]);
      resolve(new RawStream(new Response(body, { status: res.statusCode ?? 0, headers: told }), left));
    });
    req.end();
  });
}
