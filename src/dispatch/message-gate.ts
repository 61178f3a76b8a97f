import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../audit/index.js';
import { type Incident, IncidentBoard, refusalOfIncident } from '../auth/index.js';
import { Lifecycle, newRequestId } from '../common/index.js';
import { MessageRate, type RateOutcome } from '../limits/index.js';
import { type Count, METRIC_DOORS, type MetricDoor, MetricsRecorder } from '../metrics/index.js';
import { type Decoded, eraOf, isMalformed, isRequest, type Malformed, type RequestMessage } from '../protocol/index.js';
import { callerKey } from './caller-key.js';
import type { Exchange } from './exchange.js';
import { errorReply, type Reply } from './reply.js';

/** A message that is not served, whatever it is: a request is told why, of all else nothing is said. */
export interface Refused {
  readonly reply: Reply | undefined;
}

/** What is served to the end: what keeps a client company, and what running tasks need of theirs. */
const TO_THE_END: ReadonlySet<string> = new Set(['ping', 'tasks/get', 'tasks/update', 'tasks/cancel']);

/** How soon whoever is refused while the server ends may ask again: there may be another by then. */
const RETRY_AFTER_MS = 1_000;

const SILENCE: Refused = Object.freeze({ reply: undefined });

/** What stands before every message, whatever it asks for: rates, form, quarantine, and the end of the server. */
@Injectable()
export class MessageGate {
  private readonly received: Readonly<Record<MetricDoor, Count>>;

  constructor(
    private readonly rate: MessageRate,
    private readonly incidents: IncidentBoard,
    private readonly lifecycle: Lifecycle,
    private readonly security: SecurityLog,
    metrics: MetricsRecorder,
  ) {
    const counts = METRIC_DOORS.map((door) => [door, metrics.messages(door)]);
    this.received = Object.fromEntries(counts) as Record<MetricDoor, Count>;
  }

  /**
   * Every message counts, whatever becomes of it (D-12).
   * @returns undefined where it may be served; a promise only where the rate is decided elsewhere
   */
  refuse(message: Decoded, exchange: Exchange): Refused | undefined | Promise<Refused | undefined> {
    const { door, principal, origin } = exchange;
    this.received[door].add();
    const rate = this.rate.take({ key: callerKey(exchange), principal, address: origin.address, door });
    return rate instanceof Promise
      ? rate.then((outcome) => this.judge(outcome, message, exchange))
      : this.judge(rate, message, exchange);
  }

  private judge(rate: RateOutcome, message: Decoded, exchange: Exchange): Refused | undefined {
    if (!rate.isAllowed) return overLimit(message, rate.retryAfterMs, exchange);
    if (isMalformed(message)) {
      this.noteMalformed(message, exchange);
      return { reply: errorReply(message.id, message.fault, { era: exchange.eraOfFaults }) };
    }
    if (this.incidents.isActive) {
      const incident = this.incidents.ofPrincipal(exchange.principal);
      if (incident) return isRequest(message) ? this.quarantined(message, incident, exchange) : SILENCE;
    }
    // Answers and cancellations still get to what runs (S4-34).
    if (!this.lifecycle.isStopping || !isRequest(message) || TO_THE_END.has(message.method)) return undefined;
    return shuttingDown(message);
  }

  private noteMalformed({ fault, bytes }: Malformed, { door, clientId, origin, principal }: Exchange): void {
    this.security.emit('invalid_input', {
      transport: door,
      clientId,
      ip: origin.address,
      principal: `${principal.issuer}/${principal.subject}`,
      error: fault.kind,
      bytes,
    });
  }

  /** Whoever is in quarantine gets nothing here, not even a list. */
  private quarantined(message: RequestMessage, incident: Incident, { door, principal }: Exchange): Refused {
    const { kind, reason, data } = refusalOfIncident(incident);
    const requestId = newRequestId();
    this.security.emit('tool_denied', {
      target: message.method,
      principal: principal.subject,
      transport: door,
      reason: kind,
    });
    return { reply: errorReply(message.id, { kind, message: reason, data }, { requestId, era: eraOf(message) }) };
  }
}

/** It is told to whoever waits for an answer, and to whoever sent what nobody can read. */
function overLimit(message: Decoded, retryAfterMs: number, { eraOfFaults }: Exchange): Refused {
  if (!isMalformed(message) && !isRequest(message)) return SILENCE;
  const failure = { kind: 'rate_limited', message: 'Rate limit exceeded', data: { retryAfterMs } } as const;
  const era = isMalformed(message) ? eraOfFaults : eraOf(message);
  return { reply: errorReply(message.id, failure, { era }) };
}

/** Nothing begins while the server ends. */
function shuttingDown(request: RequestMessage): Refused {
  const message = 'The server is ending: try again';
  const failure = { kind: 'shutting_down', message, data: { retryAfterMs: RETRY_AFTER_MS } } as const;
  return { reply: errorReply(request.id, failure, { era: eraOf(request) }) };
}
