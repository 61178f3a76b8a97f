import { type IncomingMessage, request } from 'node:http';

/** A JSON-RPC message, as far as the check reads it. */
export interface Answered {
  readonly id?: unknown;
  readonly method?: string;
  readonly result?: { readonly content?: readonly { readonly text?: string }[]; readonly isError?: boolean };
  readonly error?: { readonly message: string; readonly data?: { readonly kind?: string } };
}

/** What is asked over HTTP. */
export interface Asked {
  readonly url: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: object;
  /** When to give up, ms. */
  readonly timeoutMs: number;
  /** Is shown each message as it comes. @returns whether the client leaves then and there */
  readonly onMessage?: (message: Answered) => boolean;
}

/** What came back, be it all or what there was when the connection ended. */
export interface Came {
  /** 0 where nothing came at all. */
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly messages: readonly Answered[];
  /** Of the last event that had one. */
  readonly lastEventId: string | undefined;
  /** Whether the server ended it, rather than the connection broke or the client left. */
  readonly isWhole: boolean;
}

/** One HTTP exchange of a client that reads events, on a connection of its own. Never rejects. */
export function exchange(asked: Asked): Promise<Came> {
  return new Promise((resolve) => {
    const { url, method, headers, body, timeoutMs, onMessage } = asked;
    const text = body && JSON.stringify(body);
    const sent = request(url, { method, headers: { ...headers, ...(text && JSON_TYPE) }, agent: false });
    const reader = new AnswerReader(onMessage);
    let head: IncomingMessage | undefined;
    const timer = setTimeout(() => sent.destroy(), timeoutMs);
    const end = (isWhole: boolean): void => {
      clearTimeout(timer);
      resolve({
        status: head?.statusCode ?? 0,
        headers: head?.headers ?? {},
        messages: reader.messages,
        lastEventId: reader.lastEventId,
        isWhole,
      });
    };
    sent.on('response', (answer) => {
      head = answer;
      reader.isStream = (answer.headers['content-type'] ?? '').startsWith('text/event-stream');
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        if (reader.take(chunk)) sent.destroy();
      });
      answer.on('end', () => end(reader.finish())).on('error', () => end(false));
    });
    sent.on('error', () => end(false)).on('close', () => end(false));
    sent.end(text);
  });
}

const JSON_TYPE = { 'Content-Type': 'application/json' };

/** Reads one body, of JSON or of events, as it comes. */
class AnswerReader {
  readonly messages: Answered[] = [];
  lastEventId: string | undefined;
  isStream = false;
  private rest = '';

  constructor(private readonly onMessage: ((message: Answered) => boolean) | undefined) {}

  /** @returns whether the client leaves */
  take(chunk: string): boolean {
    this.rest += chunk;
    if (!this.isStream) return false;
    const events = this.rest.split('\n\n');
    this.rest = events.pop() as string;
    let leaves = false;
    for (const event of events) leaves = this.event(event) || leaves;
    return leaves;
  }

  /** The body is over. @returns whether it could be read to its end */
  finish(): boolean {
    if (this.isStream || this.rest === '') return true;
    try {
      this.messages.push(JSON.parse(this.rest) as Answered);
      return true;
    } catch {
      return false;
    }
  }

  private event(text: string): boolean {
    let leaves = false;
    for (const line of text.split('\n')) {
      if (line.startsWith('id: ')) this.lastEventId = line.slice('id: '.length);
      if (!/^data: ./.test(line)) continue;
      const message = JSON.parse(line.slice('data: '.length)) as Answered;
      this.messages.push(message);
      leaves = this.onMessage?.(message) === true || leaves;
    }
    return leaves;
  }
}
