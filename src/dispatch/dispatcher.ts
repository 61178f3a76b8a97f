import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../audit/index.js';
import { Lifecycle, newRequestId } from '../common/index.js';
import { type Incident, IncidentBoard, refusalOfIncident } from '../auth/index.js';
import { AppConfig } from '../config/index.js';
import { RateLimiter, type RateRefusal, RateViolations } from '../limits/index.js';
import {
  type Decoded,
  eraOf,
  isMalformed,
  isNotification,
  isRequest,
  type NotificationMessage,
  type RequestMessage,
  rulesOf,
} from '../protocol/index.js';
import { SessionService } from '../session/index.js';
import { callerKey } from './caller-key.js';
import { ClientQuestions } from './client-questions.js';
import type { Exchange } from './exchange.js';
import { errorReply, type Reply } from './reply.js';
import { RequestServer } from './request-server.js';

/** What is served to the end: what keeps a client company, and what running tasks need of theirs. */
const TO_THE_END: ReadonlySet<string> = new Set(['ping', 'tasks/get', 'tasks/update', 'tasks/cancel']);

/** How soon whoever is refused while the server ends may ask again: there may be another by then. */
const RETRY_AFTER_MS = 1_000;

/** The one way in: every message of every door comes here, decoded, and its answer leaves encoded. */
@Injectable()
export class Dispatcher {
  constructor(
    private readonly server: RequestServer,
    private readonly questions: ClientQuestions,
    private readonly sessions: SessionService,
    private readonly rates: RateLimiter,
    private readonly violations: RateViolations,
    private readonly security: SecurityLog,
    private readonly config: AppConfig,
    private readonly lifecycle: Lifecycle,
    private readonly incidents: IncidentBoard,
  ) {}

  /**
   * Serves what one frame held.
   * @param decoded one message, or the members of a batch
   * @returns the answer to send; undefined where nothing is owed (notifications, responses, cancelled requests)
   */
  receive(decoded: Decoded | readonly Decoded[], exchange: Exchange): Promise<Reply | undefined> {
    return isBatch(decoded) ? this.receiveBatch(decoded, exchange) : this.receiveOne(decoded, exchange);
  }

  /** @see MCP 2025-03-26, basic, "Batching" */
  private async receiveBatch(batch: readonly Decoded[], exchange: Exchange): Promise<Reply | undefined> {
    const fault = this.batchFault(batch, exchange);
    if (fault) return this.receiveOne({ id: null, fault: { kind: 'batch_not_allowed', message: fault } }, exchange);
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
    // Every message counts, whatever becomes of it (D-12).
    const rate = this.rates.takeMessage(callerKey(exchange), exchange.principal.roles);
    const outcome = rate instanceof Promise ? await rate : rate;
    if (!outcome.isAllowed) return this.refuseOver(outcome, message, exchange);
    if (isMalformed(message)) {
      this.security.emit('invalid_input', { transport: exchange.door, error: message.fault.kind });
      return errorReply(message.id, message.fault);
    }
    if (this.incidents.isActive) {
      const incident = this.incidents.ofPrincipal(exchange.principal);
      if (incident) return isRequest(message) ? this.quarantined(message, incident, exchange) : undefined;
    }
    if (isRequest(message)) {
      if (this.lifecycle.isStopping && !TO_THE_END.has(message.method)) return shuttingDown(message);
      return this.server.serve(message, exchange);
    }
    if (isNotification(message)) this.notice(message, exchange);
    else this.questions.settle(message, exchange.session, exchange.door);
    return undefined;
  }

  private refuseOver(
    { retryAfterMs, limit, windowMs }: RateRefusal,
    over: Decoded,
    { door, principal, origin }: Exchange,
  ): Reply | undefined {
    const { subject } = principal;
    const message = `Rate limit exceeded for client: ${origin.address ?? subject}`;
    const facts = { transport: door, ip: origin.address, principal: subject, bucket: 'messages', limit, windowMs };
    this.security.emit('rate_limit_exceeded', { ...facts, retryAfterMs, message });
    this.violations.note(origin.address);
    if (!isMalformed(over) && !isRequest(over)) return undefined;
    const failure = { kind: 'rate_limited', message: 'Rate limit exceeded', data: { retryAfterMs } } as const;
    return errorReply(over.id, failure);
  }

  /** Whoever is in quarantine gets nothing here, not even a list. */
  private quarantined(message: RequestMessage, incident: Incident, { door, principal }: Exchange): Reply {
    const { kind, reason, data } = refusalOfIncident(incident);
    const requestId = newRequestId();
    this.security.emit('tool_denied', {
      target: message.method,
      principal: principal.subject,
      transport: door,
      reason: kind,
    });
    return errorReply(message.id, { kind, message: reason, data }, { requestId, era: eraOf(message) });
  }

  private notice(message: NotificationMessage, { session, calls }: Exchange): void {
    if (message.method !== 'notifications/cancelled') return;
    const { requestId, reason } = message.params ?? {};
    if (typeof requestId !== 'string' && typeof requestId !== 'number') return;
    const why = typeof reason === 'string' ? reason : 'by the client';
    if (session?.cancel(requestId, why) || calls.cancel(requestId, why)) return;
    if (session) this.sessions.cancelElsewhere(session, requestId, why);
  }
}

function isBatch(decoded: Decoded | readonly Decoded[]): decoded is readonly Decoded[] {
  return Array.isArray(decoded);
}

/** Nothing begins while the server ends; answers and cancellations still get to what runs (S4-34). */
function shuttingDown(request: RequestMessage): Reply {
  const message = 'The server is ending: try again';
  const failure = { kind: 'shutting_down', message, data: { retryAfterMs: RETRY_AFTER_MS } } as const;
  return errorReply(request.id, failure, { era: eraOf(request) });
}
