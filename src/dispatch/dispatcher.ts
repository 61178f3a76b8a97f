import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../audit/index.js';
import { AppConfig } from '../config/index.js';
import { RateLimiter } from '../limits/index.js';
import { type Count, METRIC_DOORS, type MetricDoor, MetricsRecorder } from '../metrics/index.js';
import {
  type Decoded,
  isMalformed,
  isNotification,
  isRequest,
  type NotificationMessage,
  rulesOf,
} from '../protocol/index.js';
import { callerKey } from './caller-key.js';
import { ClientQuestions } from './client-questions.js';
import type { Exchange } from './exchange.js';
import { errorReply, type Reply } from './reply.js';
import { RequestServer } from './request-server.js';

/** The one way in: every message of every door comes here, decoded, and its answer leaves encoded. */
@Injectable()
export class Dispatcher {
  private readonly received: Readonly<Record<MetricDoor, Count>>;

  constructor(
    private readonly server: RequestServer,
    private readonly questions: ClientQuestions,
    private readonly rates: RateLimiter,
    private readonly security: SecurityLog,
    private readonly config: AppConfig,
    private readonly metrics: MetricsRecorder,
  ) {
    const counts = METRIC_DOORS.map((door) => [door, metrics.messages(door)]);
    this.received = Object.fromEntries(counts) as Record<MetricDoor, Count>;
  }

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
    const limited = this.countMessage(message, exchange);
    if (limited) return limited;
    if (isMalformed(message)) {
      this.security.emit('invalid_input', { transport: exchange.door, error: message.fault.kind });
      return errorReply(message.id, message.fault);
    }
    if (isRequest(message)) return this.server.serve(message, exchange);
    if (isNotification(message)) this.notice(message, exchange);
    else this.questions.settle(message, exchange.session, exchange.door);
    return undefined;
  }

  /** Every message counts, whatever becomes of it (D-12). */
  private countMessage(message: Decoded, exchange: Exchange): Reply | undefined {
    this.received[exchange.door].add();
    const rate = this.rates.takeMessage(callerKey(exchange));
    if (rate.isAllowed) return undefined;
    this.metrics.refused('rate_limited');
    const { retryAfterMs } = rate;
    this.security.emit('rate_limit_exceeded', { transport: exchange.door, bucket: 'messages', retryAfterMs });
    if (!isMalformed(message) && !isRequest(message)) return undefined;
    const failure = { kind: 'rate_limited', message: 'Rate limit exceeded', data: { retryAfterMs } } as const;
    return errorReply(message.id, failure);
  }

  private notice(message: NotificationMessage, { session, calls }: Exchange): void {
    if (message.method !== 'notifications/cancelled') return;
    const { requestId, reason } = message.params ?? {};
    if (typeof requestId !== 'string' && typeof requestId !== 'number') return;
    const why = typeof reason === 'string' ? reason : 'by the client';
    if (!session?.cancel(requestId, why)) calls.cancel(requestId, why);
  }
}

function isBatch(decoded: Decoded | readonly Decoded[]): decoded is readonly Decoded[] {
  return Array.isArray(decoded);
}
