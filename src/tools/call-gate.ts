import { Injectable } from '@nestjs/common';
import { AuditLog, SecurityLog } from '../audit/index.js';
import { Policy, type PolicyTarget, type Principal } from '../auth/index.js';
import { Clock, type ErrorKind, isGatehouseError, printable, ProtocolError } from '../common/index.js';
import { RateLimiter } from '../limits/index.js';
import { type CallMeter, type CallStatus, MetricsRecorder } from '../metrics/index.js';
import type { CallScope } from './call-scope.js';

/** A tool, resource or prompt, as the gate knows it: made once at start. */
export interface GateTarget extends PolicyTarget {
  /** `tool:echo`. */
  readonly label: string;
  readonly meter: CallMeter;
  /** Runs a minute that each caller has, >= 1; undefined means no limit of its own. */
  readonly runsPerMinute: number | undefined;
  /** What a caller is told for whom the target does not exist. */
  readonly unknown: () => ProtocolError;
}

/** How the work of a call ended, where it did not throw. */
export interface GateOutcome<T> {
  readonly value: T;
  /** Set when the value is itself a failure. */
  readonly kind?: ErrorKind | undefined;
}

/**
 * The rules of the house around every call, whatever is called and through whichever door: visible, rate, and in the
 * end one settle point for metrics and audit. What the work adds (validation, breaker, bulkhead) is its own (D-12).
 */
@Injectable()
export class CallGate {
  constructor(
    private readonly policy: Policy,
    private readonly rates: RateLimiter,
    private readonly audit: AuditLog,
    private readonly security: SecurityLog,
    private readonly metrics: MetricsRecorder,
    private readonly clock: Clock,
  ) {}

  /** Makes the gate's view of something that can be called. */
  target(target: PolicyTarget, unknown: () => ProtocolError, runsPerMinute?: number): GateTarget {
    const { kind, name, tags, roles } = target;
    const meter = this.metrics.meter(kind, name);
    return { kind, name, tags, roles, label: `${kind}:${name}`, meter, runsPerMinute, unknown };
  }

  /** Whether the target exists for a caller at all. */
  isVisible(target: GateTarget, principal: Principal): boolean {
    return this.policy.isVisible(principal, target);
  }

  /** Writes down a call of something that does not exist. @param label `tool:…`, from outside */
  denied(label: string, scope: CallScope, kind: ErrorKind): void {
    const { requestId, door, principal, sessionHash } = scope.origin;
    this.metrics.refused(kind);
    this.audit.record({
      requestId,
      door,
      principal: `${principal.issuer}/${principal.subject}`,
      session: sessionHash,
      target: printable(label),
      outcome: 'refused',
      kind,
      durationMs: 0,
    });
  }

  /**
   * Lets one call through.
   * @throws ProtocolError unknown_*, rate_limited, permission_denied; and what the work throws
   */
  async through<T>(
    target: GateTarget,
    scope: CallScope,
    work: () => GateOutcome<T> | Promise<GateOutcome<T>>,
  ): Promise<T> {
    const startedAt = this.clock.monotonic();
    target.meter.started();
    let kind: ErrorKind | undefined;
    try {
      this.admit(target, scope);
      const outcome = await work();
      kind = outcome.kind;
      return outcome.value;
    } catch (error) {
      kind = isGatehouseError(error) ? error.kind : 'internal';
      throw error;
    } finally {
      this.settle(target, scope, kind, this.clock.monotonic() - startedAt);
    }
  }

  /**
   * The policy's word on the arguments, once they are checked.
   * @throws ProtocolError permission_denied
   */
  authorize(target: GateTarget, scope: CallScope, args: unknown): void {
    const decision = this.policy.decide(scope.origin.principal, target, args);
    if (!decision.isAllowed) throw new ProtocolError('permission_denied', decision.reason);
  }

  private admit(target: GateTarget, scope: CallScope): void {
    const { principal, callerKey } = scope.origin;
    if (!this.policy.isVisible(principal, target)) {
      this.security.emit('tool_denied', { target: target.label, principal: principal.subject, reason: 'role' });
      throw target.unknown();
    }
    // A later round of one call was counted with its first.
    if (target.runsPerMinute === undefined || scope.origin.client.isRetry) return;
    const rate = this.rates.takeRun(callerKey, target.label, target.runsPerMinute);
    if (rate.isAllowed) return;
    const { retryAfterMs } = rate;
    this.security.emit('rate_limit_exceeded', { bucket: target.label, principal: principal.subject, retryAfterMs });
    throw new ProtocolError('rate_limited', 'Rate limit exceeded', { data: { retryAfterMs } });
  }

  private settle(target: GateTarget, scope: CallScope, kind: ErrorKind | undefined, durationMs: number): void {
    const outcome = statusOf(kind);
    target.meter.finished(outcome, durationMs, kind);
    const { requestId, door, principal, sessionHash } = scope.origin;
    this.audit.record({
      requestId,
      door,
      principal: `${principal.issuer}/${principal.subject}`,
      session: sessionHash,
      target: target.label,
      outcome,
      kind,
      durationMs,
    });
  }
}

const REFUSALS: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'unknown_tool',
  'unknown_prompt',
  'resource_not_found',
  'tool_disabled',
  'permission_denied',
  'rate_limited',
  'server_busy',
  'breaker_open',
  'invalid_params',
  'shutting_down',
]);

function statusOf(kind: ErrorKind | undefined): CallStatus {
  if (kind === undefined) return 'success';
  if (kind === 'input_required') return 'waiting';
  if (kind === 'timeout' || kind === 'cancelled') return kind;
  return REFUSALS.has(kind) ? 'refused' : 'failure';
}
