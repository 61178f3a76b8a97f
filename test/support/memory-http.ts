import { type IncomingHttpHeaders, type IncomingMessage, request, type Server } from 'node:http';
import { duplexPair } from 'node:stream';

/** What is asked for; a POST of JSON to the MCP endpoint unless it says otherwise. */
export interface Asked {
  readonly method?: string;
  readonly path?: string;
  /** Those of undefined are not sent. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Sent as it is where it is text or bytes, else as JSON. */
  readonly body?: unknown;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** An answer that is still coming. */
export interface Coming {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What came so far. */
  readonly text: () => string;
  /** When all of it is there, or the connection broke. */
  readonly ended: Promise<void>;
  /** Breaks the connection, as a client that goes away. */
  readonly leave: () => void;
  readonly res: IncomingMessage;
}

/** A request that was sent. */
export interface Started {
  /** When the head of its answer is there; rejects where the connection breaks before. */
  readonly head: Promise<Coming>;
  /** Breaks the connection, as a client that goes away. */
  readonly leave: () => void;
}

/** Speaks HTTP with a server that listens nowhere: over a pair of streams in memory. */
export class MemoryHttp {
  constructor(private readonly server: Server) {}

  async ask(asked: Asked = {}): Promise<Answered> {
    const coming = await this.open(asked);
    await coming.ended;
    return { status: coming.status, headers: coming.headers, text: coming.text() };
  }

  /** Waits for the head of the answer. */
  open(asked: Asked = {}): Promise<Coming> {
    return this.start(asked).head;
  }

  start({ method = 'POST', path = '/mcp', headers = {}, body }: Asked = {}): Started {
    const [client, server] = duplexPair();
    this.server.emit('connection', server);
    const bytes =
      body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    const usual = {
      host: 'localhost',
      ...(method === 'POST' && { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }),
      ...(bytes !== undefined && { 'content-length': String(Buffer.byteLength(bytes)) }),
    };
    const sent = Object.entries({ ...usual, ...headers }).filter(([, value]) => value !== undefined);
    const leave = (): void => {
      client.destroy();
      server.destroy();
    };
    const head = new Promise<Coming>((resolve, reject) => {
      const req = request({
        method,
        path,
        headers: Object.fromEntries(sent) as Record<string, string | string[]>,
        setHost: false,
        createConnection: () => client,
      });
      req.on('error', reject);
      req.on('response', (res) => {
        let text = '';
        res.setEncoding('utf8');
        res.on('data', (chunk: string) => (text += chunk));
        res.on('error', () => undefined);
        const ended = new Promise<void>((done) => res.on('close', done));
        resolve({ status: res.statusCode ?? 0, headers: res.headers, text: () => text, ended, leave, res });
      });
      if (bytes === undefined) req.end();
      else req.end(bytes);
    });
    return { head, leave };
  }
}
