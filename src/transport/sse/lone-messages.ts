import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { ProtocolError } from '../../common/index.js';
import { ConnectionCalls, Dispatcher, Exchange } from '../../dispatch/index.js';
import { addressKey, RateLimiter } from '../../limits/index.js';
import { type Decoded, isInitialize } from '../../protocol/index.js';
import { type Session, type SessionOrigin, SessionService } from '../../session/index.js';
import { HttpCallers } from '../http/http-callers.js';
import { statusOf, writeReply } from '../http/http-errors.js';

/** A POST that belongs to no stream: what it is told beside its answer, nobody hears. */
class LoneExchange extends Exchange {
  override readonly door = 'sse';
  override readonly isSealed = false;
  override readonly calls = new ConnectionCalls();

  constructor(
    override readonly principal: Principal,
    override readonly connectionKey: string,
    private readonly from: SessionOrigin,
  ) {
    super();
  }

  override get origin(): SessionOrigin {
    return this.from;
  }

  override send(): void {
    return undefined;
  }

  override closeStream(): void {
    return undefined;
  }
}

/** A message, and who sent it. */
interface LoneMessage {
  readonly principal: Principal;
  readonly decoded: Decoded | readonly Decoded[];
}

/** POSTs without a stream, as scripts send them: each is answered in its own body (S1-15). */
@Injectable()
export class LoneMessages {
  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly sessions: SessionService,
    private readonly callers: HttpCallers,
    private readonly rates: RateLimiter,
  ) {}

  /** @throws ProtocolError rate_limited */
  async serve(req: IncomingMessage, res: ServerResponse, { principal, decoded }: LoneMessage): Promise<void> {
    const origin = this.callers.originOf(req, 'sse');
    await this.count(origin);
    const exchange = new LoneExchange(principal, this.callers.connectionKeyOf(req), origin);
    // Whatever is asked needs a session; this one lives as long as the request.
    if (!isInitialize(decoded)) exchange.session = await this.open(principal, origin);
    res.on('close', () => void this.end(exchange.session));
    try {
      const reply = await this.dispatcher.receive(decoded, exchange);
      if (reply) writeReply(res, reply, statusOf(reply));
      else if (!res.headersSent) res.writeHead(202, { 'Content-Length': 0 }).end();
    } finally {
      await this.end(exchange.session);
    }
  }

  /** By address: each has a session of its own, by which nothing could be counted. */
  private async count({ address }: SessionOrigin): Promise<void> {
    const rate = await this.rates.takeMessage(`lone ${addressKey(address)}`);
    if (rate.isAllowed) return;
    const { retryAfterMs } = rate;
    throw new ProtocolError('rate_limited', 'Rate limit exceeded', { data: { retryAfterMs } });
  }

  private open(principal: Principal, origin: SessionOrigin): Session | Promise<Session> {
    return this.sessions.open({ principal, revision: '2024-11-05', capabilities: {}, origin, sealed: false });
  }

  private async end(session: Session | undefined): Promise<void> {
    if (session && !session.isEnded) await this.sessions.end(session, 'disconnected');
  }
}
