import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable, Logger } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import { Authenticator, type Principal } from '../../auth/index.js';
import { Clock, ERROR_CODES, isGatehouseError, ProtocolError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { Dispatcher, errorReply } from '../../dispatch/index.js';
import { decode, type Decoded, isMalformed } from '../../protocol/index.js';
import { type Session, SessionService } from '../../session/index.js';
import { EventStream } from './event-stream.js';
import { HttpAdmission } from './http-admission.js';
import { refuse, writeReply } from './http-errors.js';
import { HttpExchange } from './http-exchange.js';
import { accepts, checkMediaTypes, checkRevision, isBatch, isInitialize } from './http-rules.js';
import { OpenExchanges } from './open-exchanges.js';
import { readBody } from './read-body.js';

const SESSION_HEADER = 'mcp-session-id';

/**
 * The Streamable HTTP endpoint: POST for messages, GET for the server's own, DELETE to end a session.
 * @see MCP 2025-11-25, basic/transports, "Streamable HTTP"
 */
@Injectable()
export class StreamableHttp {
  private readonly logger = new Logger(StreamableHttp.name);

  constructor(
    private readonly admission: HttpAdmission,
    private readonly authenticator: Authenticator,
    private readonly sessions: SessionService,
    private readonly dispatcher: Dispatcher,
    private readonly exchanges: OpenExchanges,
    private readonly security: SecurityLog,
    private readonly config: AppConfig,
    private readonly clock: Clock,
  ) {}

  /** Serves one request, whole; nothing that is thrown gets past. */
  handle(req: IncomingMessage, res: ServerResponse): void {
    if (!this.admission.admit(req, res)) return;
    this.serve(req, res).catch((error: unknown) => this.failed(error, req, res));
  }

  private async serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const proven = this.authenticator.authenticate({ authorization: req.headers.authorization });
    const principal = proven instanceof Promise ? await proven : proven;
    switch (req.method) {
      case 'POST':
        return this.post(req, res, principal);
      case 'GET':
        return this.get(req, res, principal);
      case 'DELETE':
        return this.delete(req, res, principal);
      default:
        res.setHeader('Allow', 'GET, POST, DELETE, OPTIONS');
        throw new ProtocolError('method_not_allowed', `Method Not Allowed: ${req.method}`);
    }
  }

  private async post(req: IncomingMessage, res: ServerResponse, principal: Principal): Promise<void> {
    checkMediaTypes(req);
    checkRevision(req);
    const decoded = decode(await readBody(req, this.config.limits.maxBodyBytes));
    const exchange = new HttpExchange(res, principal, {
      decoded,
      startedAt: this.clock.monotonic(),
      maxBufferedBytes: this.config.limits.maxBodyBytes,
    });
    const opensSession = isInitialize(decoded);
    if (opensSession && SESSION_HEADER in req.headers) {
      throw new ProtocolError('already_initialized', 'initialize takes no Mcp-Session-Id header');
    }
    if (!opensSession) exchange.session = await this.sessionFor(decoded, req, principal);
    this.exchanges.add(exchange);
    try {
      const reply = await this.dispatcher.receive(decoded, exchange);
      if (opensSession && exchange.session?.id) res.setHeader('Mcp-Session-Id', exchange.session.id);
      exchange.end(reply);
    } finally {
      this.exchanges.delete(exchange);
    }
  }

  private async get(req: IncomingMessage, res: ServerResponse, principal: Principal): Promise<void> {
    if (!accepts(req, 'text/event-stream')) {
      throw new ProtocolError('not_acceptable', 'Not Acceptable: send Accept: text/event-stream');
    }
    checkRevision(req);
    const session = await this.sessionOf(req, principal);
    const stream = EventStream.open(res, this.config.limits.maxBodyBytes);
    const close = this.exchanges.addStream(session, stream);
    res.on('close', close);
  }

  private async delete(req: IncomingMessage, res: ServerResponse, principal: Principal): Promise<void> {
    const session = await this.sessionOf(req, principal);
    await this.sessions.end(session, 'deleted');
    res.writeHead(204).end();
  }

  /** A message needs a session; what is no message is refused for that, session or not. */
  private async sessionFor(
    decoded: Decoded | readonly Decoded[],
    req: IncomingMessage,
    principal: Principal,
  ): Promise<Session | undefined> {
    const session = this.fromHeader(req, principal);
    const found = session instanceof Promise ? await session : session;
    if (!found && (isBatch(decoded) || !isMalformed(decoded))) throw sessionRequired();
    return found;
  }

  /** @throws ProtocolError session_not_found: unknown, ended, forged and someone else's are one and the same (D-8) */
  private fromHeader(req: IncomingMessage, principal: Principal): Session | undefined | Promise<Session> {
    const id = req.headers[SESSION_HEADER] as string | undefined;
    if (id === undefined) return undefined;
    return this.sessions.peek(id, principal) ?? this.rebuild(id, principal);
  }

  private async rebuild(id: string, principal: Principal): Promise<Session> {
    const session = await this.sessions.find(id, principal);
    if (!session) throw new ProtocolError('session_not_found', 'Session not found: initialize again');
    return session;
  }

  /** @throws ProtocolError session_required, session_not_found */
  private async sessionOf(req: IncomingMessage, principal: Principal): Promise<Session> {
    const session = await this.fromHeader(req, principal);
    if (!session) throw sessionRequired();
    return session;
  }

  private failed(error: unknown, req: IncomingMessage, res: ServerResponse): void {
    // What is left of a body that nobody will read must not be taken for the next request.
    if (!req.complete) res.setHeader('Connection', 'close');
    if (!isGatehouseError(error)) {
      this.logger.error('A request failed', error instanceof Error ? error.stack : String(error));
      refuse(res, 'internal', 'Internal error');
      return;
    }
    if (error.kind === 'cancelled') return;
    if (error.kind === 'message_too_large') {
      this.security.emit('message_too_large', { transport: 'http', ip: req.socket.remoteAddress });
    }
    writeReply(res, errorReply(null, error), ERROR_CODES[error.kind].http);
  }
}

function sessionRequired(): ProtocolError {
  return new ProtocolError('session_required', 'Mcp-Session-Id header required: initialize first');
}
