import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../audit/index.js';
import type { ErrorKind } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import {
  type Decoded,
  isMalformed,
  isNotification,
  isRequest,
  type NotificationMessage,
  rulesOf,
} from '../protocol/index.js';
import { SessionService } from '../session/index.js';
import { ClientQuestions } from './client-questions.js';
import type { Exchange } from './exchange.js';
import { MessageGate } from './message-gate.js';
import type { Reply } from './reply.js';
import { RequestServer } from './request-server.js';

/** The one way in: every message of every door comes here, decoded, and its answer leaves encoded. */
@Injectable()
export class Dispatcher {
  constructor(
    private readonly gate: MessageGate,
    private readonly server: RequestServer,
    private readonly questions: ClientQuestions,
    private readonly sessions: SessionService,
    private readonly security: SecurityLog,
    private readonly config: AppConfig,
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
    const judged = this.gate.refuse(message, exchange);
    const refused = judged instanceof Promise ? await judged : judged;
    // The gate lets nothing malformed through: this tells the compiler.
    if (refused || isMalformed(message)) return refused?.reply;
    if (isRequest(message)) return this.noted(await this.server.serve(message, exchange), exchange);
    if (isNotification(message)) this.notice(message, exchange);
    else this.questions.settle(message, exchange.session, exchange.door);
    return undefined;
  }

  /** What was sealed by us comes back as it was, or somebody made it up: the caller is told nothing of which. */
  private noted(reply: Reply | undefined, { door, principal, session }: Exchange): Reply | undefined {
    if (reply?.kind !== undefined && FORGERIES.has(reply.kind)) {
      this.security.emit('invalid_input', {
        transport: door,
        principal: `${principal.issuer}/${principal.subject}`,
        sessionId: session?.idHash,
        error: reply.kind,
      });
    }
    return reply;
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

/** Cursors, states and ids of tasks that do not open, are too old, or are somebody else's. */
const FORGERIES: ReadonlySet<ErrorKind> = new Set<ErrorKind>(['invalid_cursor', 'invalid_state', 'unknown_task']);

function isBatch(decoded: Decoded | readonly Decoded[]): decoded is readonly Decoded[] {
  return Array.isArray(decoded);
}
