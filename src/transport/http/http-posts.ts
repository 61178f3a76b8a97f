import type { IncomingMessage, ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../../audit/index.js';
import type { Principal } from '../../auth/index.js';
import { ERROR_CODES, isGatehouseError, ProtocolError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { Dispatcher, errorReply } from '../../dispatch/index.js';
import { decode, type Decoded, isInitialize, isMalformed, type RequestMessage } from '../../protocol/index.js';
import type { Session } from '../../session/index.js';
import { HttpCallers, sessionRequired } from './http-callers.js';
import { writeReply } from './http-errors.js';
import type { HttpExchange } from './http-exchange.js';
import {
  checkMediaTypes,
  checkRevision,
  eraOfFault,
  isBatch,
  isModernNotification,
  modernRequest,
  requestIdOf,
} from './http-rules.js';
import { ModernHeaders } from './modern-headers.js';
import { OpenExchanges } from './open-exchanges.js';
import { readBody } from './read-body.js';

/** Who sent what. */
interface Sent<Message> {
  readonly principal: Principal;
  readonly decoded: Message;
}

/** Serves POSTs, each in its era. */
@Injectable()
export class HttpPosts {
  constructor(
    private readonly callers: HttpCallers,
    private readonly dispatcher: Dispatcher,
    private readonly exchanges: OpenExchanges,
    private readonly headers: ModernHeaders,
    private readonly security: SecurityLog,
    private readonly config: AppConfig,
  ) {}

  /** @throws ProtocolError what is wrong with the request before it can be dispatched */
  async serve(req: IncomingMessage, res: ServerResponse, principal: Principal): Promise<void> {
    checkMediaTypes(req);
    const decoded = decode(await readBody(req, this.config.limits.maxBodyBytes));
    const modern = modernRequest(decoded);
    if (modern) return this.serveModern(req, res, { decoded: modern, principal });
    return this.serveLegacy(req, res, { decoded, principal });
  }

  /** Sessions and resumption belong to the other era: their headers mean nothing here (D-1). */
  private async serveModern(req: IncomingMessage, res: ServerResponse, sent: Sent<RequestMessage>): Promise<void> {
    const exchange = this.exchanges.open(res, { ...sent, req, session: undefined });
    const request = sent.decoded;
    try {
      this.headers.check(req, request);
      exchange.end(await this.dispatcher.receive(request, exchange));
    } catch (error) {
      if (!isGatehouseError(error)) throw error;
      // Whoever stands in front and goes by the headers would let pass what is not what they say.
      if (error.kind === 'header_mismatch') {
        this.security.emit('invalid_input', { transport: 'http', ip: exchange.origin.address, error: error.kind });
      }
      exchange.end(errorReply(request.id, error, { era: 'modern' }));
    } finally {
      this.exchanges.close(exchange);
    }
  }

  private async serveLegacy(
    req: IncomingMessage,
    res: ServerResponse,
    { decoded, principal }: Sent<Decoded | readonly Decoded[]>,
  ): Promise<void> {
    if (isModernNotification(decoded, req)) {
      res.writeHead(202, { 'Content-Length': 0 }).end();
      return;
    }
    let exchange: HttpExchange | undefined;
    try {
      // What is no message is refused for that, whatever its headers say.
      if (isBatch(decoded) || !isMalformed(decoded)) checkRevision(req);
      const opensSession = isInitialize(decoded);
      if (opensSession && this.callers.namesSession(req)) {
        throw new ProtocolError('already_initialized', 'initialize takes no Mcp-Session-Id header');
      }
      const found = opensSession ? undefined : this.sessionFor(decoded, req, principal);
      const session = found instanceof Promise ? await found : found;
      exchange = this.exchanges.open(res, { req, principal, session, decoded });
      const reply = await this.dispatcher.receive(decoded, exchange);
      if (opensSession && exchange.session?.id) res.setHeader('Mcp-Session-Id', exchange.session.id);
      exchange.end(reply);
    } catch (error) {
      if (!isGatehouseError(error)) throw error;
      const { kind } = error;
      writeReply(res, errorReply(requestIdOf(decoded), error, { era: eraOfFault(kind, req) }), ERROR_CODES[kind].http);
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
}
