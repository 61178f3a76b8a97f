import { Inject, Injectable, Logger } from '@nestjs/common';
import { SecurityLog } from '../audit/index.js';
import { isGatehouseError, isJsonObject, newRequestId, ProtocolError } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { RateLimiter } from '../limits/index.js';
import {
  type Decoded,
  eraOf,
  isMalformed,
  isNotification,
  isRequest,
  LEGACY_REVISIONS,
  type NotificationMessage,
  type RequestMessage,
  rulesOf,
} from '../protocol/index.js';
import type { Session } from '../session/index.js';
import { CallScope } from '../tools/index.js';
import { ExchangeReply } from './call-reply.js';
import type { Exchange } from './exchange.js';
import { MethodHandler } from './method-handler.js';
import { InitializeHandler } from './methods/initialize.handler.js';
import { errorReply, type Reply, successReply } from './reply.js';

/** DI token of all {@link MethodHandler}s. */
export const METHOD_HANDLERS = Symbol('METHOD_HANDLERS');

/** `_meta` key by which a caller asks for a deadline of its own, ms. */
const TIMEOUT_META = 'mcp-gatehouse/timeoutMs';

/**
 * The one request path: every message of every door comes here, decoded, and its answer leaves encoded. Nothing that
 * is thrown below gets past.
 */
@Injectable()
export class Dispatcher {
  private readonly logger = new Logger(Dispatcher.name);
  private readonly handlers = new Map<string, MethodHandler>();

  constructor(
    @Inject(METHOD_HANDLERS) handlers: readonly MethodHandler[],
    private readonly initialize: InitializeHandler,
    private readonly rates: RateLimiter,
    private readonly security: SecurityLog,
    private readonly config: AppConfig,
  ) {
    for (const handler of handlers) for (const method of handler.methods) this.handlers.set(method, handler);
  }

  /**
   * Serves what one frame held.
   * @param decoded one message, or the members of a batch
   * @returns the answer to send; undefined where nothing is owed (notifications, responses, cancelled requests)
   */
  async receive(decoded: Decoded | readonly Decoded[], exchange: Exchange): Promise<Reply | undefined> {
    return isBatch(decoded) ? this.receiveBatch(decoded, exchange) : this.receiveOne(decoded, exchange);
  }

  /** @see MCP 2025-03-26, basic, "Batching" */
  private async receiveBatch(batch: readonly Decoded[], exchange: Exchange): Promise<Reply | undefined> {
    const fault = this.batchFault(batch, exchange);
    if (fault) return errorReply(null, { kind: 'batch_not_allowed', message: fault });
    const replies = await Promise.all(batch.map((message) => this.receiveOne(message, exchange)));
    const texts = replies.flatMap((reply) => (reply ? [reply.text] : []));
    return texts.length > 0 ? { text: `[${texts.join(',')}]` } : undefined;
  }

  private batchFault(batch: readonly Decoded[], { session }: Exchange): string | undefined {
    if (!session || !rulesOf(session.revision).batches) {
      return 'Invalid request: batches belong to revision 2025-03-26, in an initialized session';
    }
    const { maxBatch } = this.config.limits;
    return batch.length > maxBatch ? `Invalid request: a batch holds ${maxBatch} messages at most` : undefined;
  }

  private async receiveOne(message: Decoded, exchange: Exchange): Promise<Reply | undefined> {
    const limited = this.countMessage(message, exchange);
    if (limited) return limited;
    if (isMalformed(message)) {
      this.security.emit('invalid_input', { transport: exchange.door, error: message.fault.kind });
      return errorReply(message.id, message.fault);
    }
    if (isRequest(message)) return this.serve(message, exchange);
    if (isNotification(message)) this.notice(message, exchange);
    // A response answers a request of ours, and this era's requests to clients do not exist yet: nobody is owed it.
    return undefined;
  }

  /** Every message counts, whatever becomes of it (D-12). */
  private countMessage(message: Decoded, exchange: Exchange): Reply | undefined {
    const rate = this.rates.takeMessage(callerKey(exchange));
    if (rate.isAllowed) return undefined;
    const { retryAfterMs } = rate;
    this.security.emit('rate_limit_exceeded', { transport: exchange.door, bucket: 'messages', retryAfterMs });
    if (!isMalformed(message) && !isRequest(message)) return undefined;
    const failure = { kind: 'rate_limited', message: 'Rate limit exceeded', data: { retryAfterMs } } as const;
    return errorReply(message.id, failure);
  }

  private notice(message: NotificationMessage, { session }: Exchange): void {
    if (message.method !== 'notifications/cancelled') return;
    const { requestId, reason } = message.params ?? {};
    if (typeof requestId !== 'string' && typeof requestId !== 'number') return;
    session?.cancel(requestId, typeof reason === 'string' ? reason : 'by the client');
  }

  private async serve(request: RequestMessage, exchange: Exchange): Promise<Reply | undefined> {
    const requestId = newRequestId();
    const era = eraOf(request);
    try {
      if (era === 'modern') throw notServed(request);
      if (request.method === 'initialize') return successReply(request.id, this.initialize.handle(request, exchange));
      const { session } = exchange;
      if (!session) {
        if (request.method === 'ping') return successReply(request.id, {});
        throw new ProtocolError('not_initialized', 'Not initialized: send initialize first');
      }
      return await this.serveIn(session, request, { exchange, requestId });
    } catch (error) {
      return this.failed(request, error, { requestId, era });
    }
  }

  private async serveIn(
    session: Session,
    request: RequestMessage,
    { exchange, requestId }: { readonly exchange: Exchange; readonly requestId: string },
  ): Promise<Reply | undefined> {
    const handler = this.handlers.get(request.method);
    if (!handler) throw new ProtocolError('method_not_found', `Method not found: ${request.method}`);
    const scope = openScope(request, session, { exchange, requestId });
    this.admit(session, request);
    session.begin(request.id, scope);
    try {
      const params = request.params ?? {};
      const call = { request, params, exchange, session, rules: rulesOf(session.revision), scope };
      return successReply(request.id, await handler.handle(call));
    } finally {
      scope.close();
      session.finish(request.id);
    }
  }

  private admit(session: Session, { id }: RequestMessage): void {
    if (session.isRunning(id)) {
      throw new ProtocolError(
        'duplicate_request_id',
        `Invalid request: a request with id ${JSON.stringify(id)} is still running`,
      );
    }
    const { maxInFlight } = this.config.limits;
    if (session.runningCount < maxInFlight) return;
    throw new ProtocolError('server_busy', `Too many requests at once: ${maxInFlight} of this session are running`);
  }

  private failed(
    request: RequestMessage,
    error: unknown,
    { requestId, era }: { readonly requestId: string; readonly era: 'legacy' | 'modern' },
  ): Reply | undefined {
    if (isGatehouseError(error)) {
      if (error.kind === 'cancelled') return undefined;
      return errorReply(request.id, error, { requestId, era });
    }
    this.logger.error(
      `${request.method} failed, request ${requestId}`,
      error instanceof Error ? error.stack : String(error),
    );
    return errorReply(request.id, { kind: 'internal', message: 'Internal error' }, { requestId, era });
  }
}

function isBatch(decoded: Decoded | readonly Decoded[]): decoded is readonly Decoded[] {
  return Array.isArray(decoded);
}

/** By whom messages and runs are counted: a proven principal as one, an unproven caller per session or connection (D-11). */
function callerKey({ principal, session, connectionKey }: Exchange): string {
  if (principal.isAuthenticated) return `${principal.issuer}\n${principal.subject}`;
  return session?.key ?? connectionKey;
}

function openScope(
  request: RequestMessage,
  session: Session,
  { exchange, requestId }: { readonly exchange: Exchange; readonly requestId: string },
): CallScope {
  const meta = request.params?.['_meta'];
  const { progressToken, [TIMEOUT_META]: timeout } = isJsonObject(meta) ? meta : {};
  const token = typeof progressToken === 'string' || typeof progressToken === 'number' ? progressToken : undefined;
  return new CallScope({
    requestId,
    principal: exchange.principal,
    callerKey: callerKey(exchange),
    door: exchange.door,
    sessionHash: session.idHash,
    timeoutMs: typeof timeout === 'number' && timeout >= 1 ? timeout : undefined,
    reply: new ExchangeReply(exchange, session, token),
  });
}

/** The place of the era switch where 2026-07-28 plugs in (D-1). */
function notServed({ method }: RequestMessage): ProtocolError {
  return new ProtocolError(
    'unsupported_revision',
    `Unsupported protocol version for ${method}: initialize with a supported one`,
    {
      data: { supported: [...LEGACY_REVISIONS] },
    },
  );
}
