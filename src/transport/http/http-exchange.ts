import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Principal } from '../../auth/index.js';
import { ConnectionCalls, Exchange, type Reply } from '../../dispatch/index.js';
import { type Decoded, isMalformed, isRequest } from '../../protocol/index.js';
import type { Session, SessionOrigin } from '../../session/index.js';
import type { Challenges } from './challenges.js';
import { EventStream } from './event-stream.js';
import type { HttpCallers } from './http-callers.js';
import { statusOf, writeReply } from './http-errors.js';
import { eraOfCaller, isBatch } from './http-rules.js';
import { ResumableStream } from './resumable-stream.js';
import type { StreamLogs } from './stream-logs.js';

/** Who sent a POST, in which session, and what it held. */
export interface HttpCaller {
  readonly principal: Principal;
  readonly session: Session | undefined;
  readonly decoded: Decoded | readonly Decoded[];
  readonly req: IncomingMessage;
}

/**
 * One POST and its answer. It stays undecided until something has to be sent before the answer: then it becomes a
 * stream of events; else it ends as one JSON body.
 */
export class HttpExchange extends Exchange {
  override readonly door = 'http';
  override readonly isSealed = true;
  override readonly calls = new ConnectionCalls();
  private stream: EventStream | ResumableStream | undefined;
  private streamEnded: (() => void) | undefined;
  /** Monotonic ms at which a client without a stream was first seen to be gone. */
  private leftAt: number | undefined;

  constructor(
    private readonly res: ServerResponse,
    private readonly caller: HttpCaller,
    private readonly options: {
      readonly startedAt: number;
      readonly maxBufferedBytes: number;
      readonly logs: StreamLogs;
      readonly callers: HttpCallers;
      readonly challenges: Challenges;
      /** Is told that the answer has become a stream. @returns what to call at its end */
      readonly onStream: (exchange: HttpExchange) => () => void;
    },
  ) {
    super();
    this.session = caller.session;
  }

  override get principal(): Principal {
    return this.caller.principal;
  }

  override get connectionKey(): string {
    return this.options.callers.connectionKeyOf(this.caller.req);
  }

  override get origin(): SessionOrigin {
    return this.options.callers.originOf(this.caller.req);
  }

  override get eraOfFaults(): 'legacy' | 'modern' {
    return eraOfCaller(this.res.req);
  }

  get startedAt(): number {
    return this.options.startedAt;
  }

  /**
   * When the client was first seen to be gone since it was there last, monotonic ms; undefined while it is there.
   * @param now monotonic ms
   */
  goneSince(now: number): number | undefined {
    if (this.stream instanceof ResumableStream) return this.stream.detachedSince;
    return this.res.destroyed && !this.res.writableFinished ? (this.leftAt ??= now) : undefined;
  }

  override send(text: string): void {
    this.open().message(text);
  }

  /** Shows a proxy that the call still runs. */
  keepAlive(): void {
    this.open().comment();
  }

  /** Whether this is the answer that a connection carries. */
  isOn(socket: Socket): boolean {
    return this.res.socket === socket || this.res.req.socket === socket;
  }

  /** The connection closed: in 2026-07-28 that cancels, in earlier revisions it does not (D-3). */
  leave(): void {
    this.calls.cancelAll('the client closed the stream');
  }

  override closeStream(): void {
    const stream = this.open();
    if (stream instanceof ResumableStream) stream.release();
  }

  /** Ends the calls of this POST: its client left and did not come back. */
  abandon(): void {
    const { decoded } = this.caller;
    for (const message of isBatch(decoded) ? decoded : [decoded]) {
      if (!isMalformed(message) && isRequest(message))
        this.session?.cancel(message.id, 'nobody came back for the answer');
    }
  }

  /** Nothing more comes of this POST. */
  closed(): void {
    this.streamEnded?.();
  }

  /** Ends the calls of this POST, whatever its era, and with them its stream: its credential has ended. */
  revoke(): void {
    this.leave();
    this.abandon();
  }

  /** @param reply undefined where no answer is owed */
  end(reply: Reply | undefined): void {
    if (this.stream) {
      if (reply) this.stream.message(reply.text);
      this.stream.end();
    } else if (reply) {
      if (reply.kind !== undefined && !this.res.headersSent) this.options.challenges.mark(this.res, reply);
      writeReply(this.res, reply, statusOf(reply));
    } else if (!this.res.headersSent) {
      this.res.writeHead(202, { 'Content-Length': 0 }).end();
    }
  }

  /** Becomes a stream: one that can be resumed where there is a session to resume it in. */
  private open(): EventStream | ResumableStream {
    if (this.stream) return this.stream;
    this.streamEnded = this.options.onStream(this);
    const sink = EventStream.open(this.res, this.options.maxBufferedBytes);
    if (!this.session) return (this.stream = sink);
    const stream = this.options.logs.create(this.session);
    stream.open(sink);
    return (this.stream = stream);
  }
}
