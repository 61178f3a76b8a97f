import { Injectable } from '@nestjs/common';
import { SecurityLog } from '../audit/index.js';
import { MetricsRecorder } from '../metrics/index.js';
import { RateLimiter } from './rate-limiter.js';
import type { RateAnswer, RateOutcome } from './rate-outcome.js';
import { RateViolations } from './rate-violations.js';

/** Who sends a message, as far as its rate is concerned. */
export interface MessageSender {
  /** By what messages are counted: the key of a principal, or of a session, connection or address. */
  readonly key: string;
  readonly principal: { readonly subject: string; readonly roles: readonly string[] };
  /** Of the client, behind trusted proxies; undefined where there is none, as on stdio. */
  readonly address: string | undefined;
  readonly door: string;
}

/** Counts messages, whichever door they come by, and writes down which are over the limit. */
@Injectable()
export class MessageRate {
  constructor(
    private readonly rates: RateLimiter,
    private readonly violations: RateViolations,
    private readonly security: SecurityLog,
    private readonly metrics: MetricsRecorder,
  ) {}

  /** @returns a promise only where the rate is decided elsewhere */
  take(sender: MessageSender): RateAnswer {
    const rate = this.rates.takeMessage(sender.key, sender.principal.roles);
    return rate instanceof Promise ? rate.then((outcome) => this.noted(outcome, sender)) : this.noted(rate, sender);
  }

  private noted(rate: RateOutcome, { principal, address, door }: MessageSender): RateOutcome {
    if (rate.isAllowed) return rate;
    const { retryAfterMs, limit, windowMs } = rate;
    const { subject } = principal;
    const message = `Rate limit exceeded for client: ${address ?? subject}`;
    const facts = { transport: door, ip: address, principal: subject, bucket: 'messages', limit, windowMs };
    this.security.emit('rate_limit_exceeded', { ...facts, retryAfterMs, message });
    this.violations.note(address);
    this.metrics.refused('rate_limited');
    return rate;
  }
}
