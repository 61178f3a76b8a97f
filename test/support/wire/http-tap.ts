import * as http from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Frame } from '../messages.js';
import { Conversation, type WireRecord } from './conversation.js';
import { SPEC_REVISIONS } from './spec-schema.js';

const SESSION_HEADER = 'mcp-session-id';

/**
 * A relay in front of the endpoints of HTTP that changes nothing, and has every message of the server checked. Where the
 * server speaks TLS the relay takes it off, having held the certificate against the one that is expected.
 */
export class HttpTap {
  private readonly sessions = new Map<string, Conversation>();

  private constructor(
    private readonly target: URL,
    private readonly record: WireRecord,
    private readonly server: Server,
    private readonly agent: http.Agent,
  ) {}

  /**
   * @param url of the endpoint
   * @param ca certificate that the server is to show
   */
  static async open(url: string, record: WireRecord, ca?: string): Promise<HttpTap> {
    const server = http.createServer();
    const keepAlive = true;
    const agent =
      ca === undefined ? new http.Agent({ keepAlive }) : new https.Agent({ keepAlive, ca, servername: 'localhost' });
    const tap = new HttpTap(new URL(url), record, server, agent);
    server.on('request', (req: IncomingMessage, res: ServerResponse) => void tap.relay(req, res));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return tap;
  }

  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://127.0.0.1:${port}${this.target.pathname}`;
  }

  async close(): Promise<void> {
    this.agent.destroy();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async relay(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await wholeOf(req);
    const conversation = this.conversationOf(req, body);
    const { method, url, headers } = req;
    const { request } = this.target.protocol === 'https:' ? https : http;
    const onward = request(
      { host: this.target.hostname, port: this.target.port, method, path: url, headers, agent: this.agent },
      (answer) => this.pass(answer, res, conversation),
    );
    onward.on('error', () => res.destroy());
    // A client that leaves is seen to leave: what that means is for the server to know.
    res.on('close', () => void (res.writableFinished || onward.destroy()));
    onward.end(body);
  }

  private pass(answer: IncomingMessage, res: ServerResponse, conversation: Conversation): void {
    const { statusCode = 500, headers } = answer;
    const id = headers[SESSION_HEADER];
    if (typeof id === 'string') this.sessions.set(id, conversation);
    res.writeHead(statusCode, headers);
    res.flushHeaders();
    const read = readerOf(headers['content-type'] ?? '', {
      frame: (frame) => conversation.serverSent(frame),
      endpoint: (path) => void this.sessions.set(streamOf(path) ?? '', conversation),
    });
    answer.on('data', (chunk: Buffer) => {
      read.take(chunk);
      res.write(chunk);
    });
    answer.on('end', () => {
      read.end();
      res.end();
    });
    answer.on('error', () => res.destroy());
  }

  private conversationOf(req: IncomingMessage, body: Buffer): Conversation {
    const frame = parsed(body);
    const id = req.headers[SESSION_HEADER] ?? streamOf(req.url ?? '');
    const session = typeof id === 'string' ? this.sessions.get(id) : undefined;
    const revision = SPEC_REVISIONS.find((known) => known === req.headers['mcp-protocol-version']);
    const conversation = isModern(frame) || !session ? new Conversation(this.record, revision) : session;
    conversation.clientSent(frame);
    return conversation;
  }
}

/** @returns the id of the stream of legacy SSE that a path names */
function streamOf(path: string): string | undefined {
  return new URL(path, 'http://localhost').searchParams.get('sessionId') ?? undefined;
}

function isModern(frame: unknown): boolean {
  return JSON.stringify(frame ?? null).includes('"io.modelcontextprotocol/protocolVersion"');
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    // What the client sends may be anything: the server is to say what is wrong with it.
    return undefined;
  }
}

async function wholeOf(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

interface BodyReader {
  take(chunk: Buffer): void;
  end(): void;
}

/** What is told of what a body holds. */
interface BodyListener {
  frame(frame: Frame): void;
  /** Where legacy SSE says that messages go. */
  endpoint(path: string): void;
}

/** Reads messages out of a body, be it one of JSON or of events. */
function readerOf(type: string, on: BodyListener): BodyReader {
  const chunks: Buffer[] = [];
  if (type.startsWith('application/json')) {
    return {
      take: (chunk) => void chunks.push(chunk),
      end: () => on.frame(JSON.parse(Buffer.concat(chunks).toString()) as Frame),
    };
  }
  if (!type.startsWith('text/event-stream')) return { take: () => undefined, end: () => undefined };
  const decoder = new TextDecoder();
  let text = '';
  const take = (chunk: Buffer): void => {
    text += decoder.decode(chunk, { stream: true });
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const lines = event.split('\n');
      const data = lines.find((line) => /^data: ./.test(line))?.slice('data: '.length);
      if (data === undefined) continue;
      if (lines.includes('event: endpoint')) on.endpoint(data);
      else on.frame(JSON.parse(data) as Frame);
    }
  };
  return { take, end: () => undefined };
}
