import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable, Logger } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import type { Principal } from '../../auth/index.js';
import { ERROR_CODES, isGatehouseError, ProtocolError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { Dispatcher, errorReply } from '../../dispatch/index.js';
import { decode, type Decoded, isMalformed, type RequestId } from '../../protocol/index.js';
import type { Session } from '../../session/index.js';
import { HttpAdmission } from './http-admission.js';
import { HttpCallers, sessionRequired } from './http-callers.js';
import { writeReply } from './http-errors.js';
import type { HttpExchange } from './http-exchange.js';
import { accepts, checkMediaTypes, checkRevision, isBatch, isInitialize, requestIdOf } from './http-rules.js';
import { OpenExchanges } from './open-exchanges.js';
import { readBody } from './read-body.js';

const METHODS = 'GET, POST, DELETE, OPTIONS';

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
    private readonly security: SecurityLog,
    private readonly config: AppConfig,
  ) {}

  /** Serves one request, whole; nothing that is thrown gets past. */
  handle(req: IncomingMessage, res: ServerResponse): void {
    if (!this.admission.admit(req, res)) return;
    this.serve(req, res).catch((error: unknown) => this.failed(error, res));
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
      case 'OPTIONS':
        res.writeHead(204, { Allow: METHODS }).end();
        return;
      default:
        res.setHeader('Allow', METHODS);
        throw new ProtocolError('method_not_allowed', `Method Not Allowed: ${req.method}`);
    }
  }

  private async post(req: IncomingMessage, res: ServerResponse, principal: Principal): Promise<void> {
    checkMediaTypes(req);
    checkRevision(req);
    const decoded = decode(await readBody(req, this.config.limits.maxBodyBytes));
    const opensSession = isInitialize(decoded);
    let exchange: HttpExchange | undefined;
    try {
      if (opensSession && this.callers.namesSession(req)) {
        throw new ProtocolError('already_initialized', 'initialize takes no Mcp-Session-Id header');
      }
      const found = opensSession ? undefined : this.sessionFor(decoded, req, principal);
      const session = found instanceof Promise ? await found : found;
      exchange = this.exchanges.open(res, { principal, session, decoded });
      const reply = await this.dispatcher.receive(decoded, exchange);
      if (opensSession && exchange.session?.id) res.setHeader('Mcp-Session-Id', exchange.session.id);
      exchange.end(reply);
    } catch (error) {
      this.failed(error, res, requestIdOf(decoded));
    } finally {
      if (exchange) this.exchanges.close(exchange);
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

  /**
   * Nothing is done about a body that is not whole yet: Node reads the rest and drops it. To close the connection under
   * a client that still sends would reset it, and take the answer away.
   */
  private failed(error: unknown, res: ServerResponse, id: RequestId | null = null): void {
    if (!isGatehouseError(error)) {
      this.logger.error('A request failed', error instanceof Error ? error.stack : String(error));
      writeReply(res, errorReply(id, { kind: 'internal', message: 'Internal error' }), ERROR_CODES.internal.http);
      return;
    }
    if (error.kind === 'cancelled') return;
    if (error.kind === 'message_too_large') {
      this.security.emit('message_too_large', { transport: 'http', ip: res.socket?.remoteAddress });
    }
    writeReply(res, errorReply(id, error), ERROR_CODES[error.kind].http);
  }
}
