import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable, Logger } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import type { Principal } from '../../auth/index.js';
import { ERROR_CODES, isGatehouseError, ProtocolError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { Dispatcher, errorReply } from '../../dispatch/index.js';
import { decode, type Decoded, isInitialize, isMalformed, type RequestMessage } from '../../protocol/index.js';
import type { Session } from '../../session/index.js';
import { HttpAdmission } from './http-admission.js';
import { HttpCallers, sessionRequired } from './http-callers.js';
import { refuse, writeReply } from './http-errors.js';
import { accepts, checkMediaTypes, checkRevision, isBatch, isModernNotification, modernRequest } from './http-rules.js';
import { ModernHeaders } from './modern-headers.js';
import { OpenExchanges } from './open-exchanges.js';
import { readBody } from './read-body.js';

/**
 * The Streamable HTTP endpoint: POST for messages, GET for the server's own, DELETE to end a session.
 * @see MCP 2025-11-25, basic/transports, "Streamable HTTP"
 */
@Injectable()
export class StreamableHttp {
  private readonly logger = new Logger(StreamableHttp.name);

  constructor(
    private readonly admission: HttpAdmission,
    private readonly callers: HttpCallers,
    private readonly dispatcher: Dispatcher,
    private readonly exchanges: OpenExchanges,
    private readonly headers: ModernHeaders,
    private readonly security: SecurityLog,
    private readonly config: AppConfig,
  ) {}

  /** Serves one request, whole; nothing that is thrown gets past. */
  handle(req: IncomingMessage, res: ServerResponse): void {
    if (!this.admission.admit(req, res)) return;
    this.serve(req, res).catch((error: unknown) => this.failed(error, req, res));
  }

  private async serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const proven = this.callers.principalOf(req);
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
    const decoded = decode(await readBody(req, this.config.limits.maxBodyBytes));
    const modern = modernRequest(decoded);
    if (modern) return this.postModern(req, res, { request: modern, principal });
    return this.postLegacy(req, res, { decoded, principal });
  }

  /** Sessions and resumption belong to the other era: their headers mean nothing here (D-1). */
  private async postModern(
    req: IncomingMessage,
    res: ServerResponse,
    { request, principal }: { readonly request: RequestMessage; readonly principal: Principal },
  ): Promise<void> {
    const exchange = this.exchanges.open(res, { principal, session: undefined, decoded: request });
    try {
      this.headers.check(req, request);
      exchange.end(await this.dispatcher.receive(request, exchange));
    } catch (error) {
      if (!isGatehouseError(error)) throw error;
      exchange.end(errorReply(request.id, error, { era: 'modern' }));
    } finally {
      this.exchanges.close(exchange);
    }
  }

  private async postLegacy(
    req: IncomingMessage,
    res: ServerResponse,
    { decoded, principal }: { readonly decoded: Decoded | readonly Decoded[]; readonly principal: Principal },
  ): Promise<void> {
    if (isModernNotification(decoded, req)) {
      res.writeHead(202, { 'Content-Length': 0 }).end();
      return;
    }
    checkRevision(req);
    const opensSession = isInitialize(decoded);
    if (opensSession && this.callers.namesSession(req)) {
      throw new ProtocolError('already_initialized', 'initialize takes no Mcp-Session-Id header');
    }
    const found = opensSession ? undefined : this.sessionFor(decoded, req, principal);
    const session = found instanceof Promise ? await found : found;
    const exchange = this.exchanges.open(res, { principal, session, decoded });
    try {
      const reply = await this.dispatcher.receive(decoded, exchange);
      if (opensSession && exchange.session?.id) res.setHeader('Mcp-Session-Id', exchange.session.id);
      exchange.end(reply);
    } finally {
      this.exchanges.close(exchange);
    }
  }

  /** A message needs a session; what is no message is refused for that, session or not. */
  private sessionFor(
    decoded: Decoded | readonly Decoded[],
    req: IncomingMessage,
    principal: Principal,
  ): Session | undefined | Promise<Session> {
    const session = this.callers.sessionOf(req, principal);
    if (!session && (isBatch(decoded) || !isMalformed(decoded))) throw sessionRequired();
    return session;
  }

  private async get(req: IncomingMessage, res: ServerResponse, principal: Principal): Promise<void> {
    if (!accepts(req, 'text/event-stream')) {
      throw new ProtocolError('not_acceptable', 'Not Acceptable: send Accept: text/event-stream');
    }
    checkRevision(req);
    this.exchanges.openStream(res, await this.callers.requireSession(req, principal));
  }

  private async delete(req: IncomingMessage, res: ServerResponse, principal: Principal): Promise<void> {
    await this.callers.endSession(await this.callers.requireSession(req, principal));
    res.writeHead(204).end();
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
