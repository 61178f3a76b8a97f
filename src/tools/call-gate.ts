import { Injectable } from '@nestjs/common';
import { type AuditEntry, AuditLog, type KeptArguments, type SecretPaths, SecurityLog } from '../audit/index.js';
import { Policy, type PolicyTarget, type Principal } from '../auth/index.js';
import { Clock, type ErrorKind, isGatehouseError, printable, ProtocolError } from '../common/index.js';
import { RateLimiter, type RateOutcome, type RunLimit } from '../limits/index.js';
import { type CallMeter, type CallStatus, MetricsRecorder } from '../metrics/index.js';
import type { CallScope } from './call-scope.js';

/** A tool, resource or prompt, as the gate knows it: made once at start. */
export interface GateTarget extends PolicyTarget, RunLimit {
  readonly meter: CallMeter;
  /** Arguments that the schema calls secret. */
  readonly secrets: SecretPaths | undefined;
  /** What a caller is told for whom the target does not exist. */
  readonly unknown: () => ProtocolError;
}

/** What else holds for a target. */
export type GateOptions = Partial<Pick<GateTarget, 'runsPerMinute' | 'totalRunsPerMinute' | 'secrets'>>;

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
/** Steps upwards, also in the ways that decoders undo, and what ends a name or a line for whoever reads it next. */
const WAY_OUT = /(?:^|[/\\:])\.\.?(?:[/\\]|$)|%(?:2e|2f|5c|00|25)|[\\\p{Cc}]/iu;

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
  target(
    target: PolicyTarget,
    unknown: () => ProtocolError,
    { runsPerMinute, totalRunsPerMinute, secrets }: GateOptions = {},
  ): GateTarget {
    const { kind, name } = target;
    this.policy.learn(target);
    const meter = this.metrics.meter(kind, name);
    return { ...target, label: `${kind}:${name}`, meter, runsPerMinute, totalRunsPerMinute, secrets, unknown };
  }

  /** Whether the target exists for a caller at all. */
  isVisible(target: GateTarget, principal: Principal): boolean {
    return this.policy.isVisible(principal, target);
  }

  /** Whether the target is in the lists of a caller, as far as it is switched on. */
  isListed(target: GateTarget, principal: Principal): boolean {
    return this.policy.isListed(principal, target);
  }

  /** Whether a call of the target would be let in, as far as nobody counts. */
  isOpen(target: GateTarget, principal: Principal): boolean {
    return this.isVisible(target, principal) && this.policy.refusalOf(principal, target) === undefined;
  }

  /**
   * Says no to whoever may not call the target.
   * @throws ProtocolError unknown_*, insufficient_scope, read_only, quarantined
   */
  require(target: GateTarget, principal: Principal): void {
    if (!this.policy.isVisible(principal, target)) {
      this.security.emit('tool_denied', { target: target.label, principal: principal.subject, reason: 'role' });
      throw target.unknown();
    }
    const refusal = this.policy.refusalOf(principal, target);
    if (!refusal) return;
    const { kind, reason, data } = refusal;
    this.security.emit('tool_denied', { target: target.label, principal: principal.subject, reason: kind });
    throw new ProtocolError(kind, reason, data && { data });
  }

  /**
   * Writes down a call of something that does not exist. Whoever errs is no attacker; whoever tries to get out of where
   * names are looked up is taken for one.
   * @param label `tool:…`, from outside
   */
  denied(label: string, scope: CallScope, kind: ErrorKind): void {
    this.metrics.refused(kind);
    if (WAY_OUT.test(label)) {
      const { subject } = scope.origin.principal;
      this.security.emit('target_rejected', { target: printable(label), principal: subject, rule: 'name' });
    }
    const args = this.audit.keep(scope.args, undefined);
    this.write(scope, { target: printable(label), outcome: 'refused', kind, durationMs: 0, args });
  }

  /**
   * Lets one call through.
   * @throws ProtocolError unknown_*, insufficient_scope, read_only, quarantined, audit_unavailable, rate_limited; and
   * what the work throws
   */
  async through<T>(
    target: GateTarget,
    scope: CallScope,
    work: () => GateOutcome<T> | Promise<GateOutcome<T>>,
  ): Promise<T> {
    const startedAt = this.clock.monotonic();
    target.meter.started();
    // Before the call runs: whoever is called may change what it was given.
    const args = this.audit.keep(scope.args, target.secrets);
    let kind: ErrorKind | undefined;
    try {
      const counted = this.admit(target, scope);
      if (counted) await counted;
      if (this.audit.isToldOfStarts && !scope.origin.client.isRetry) this.writeStart(target, scope, args);
      const outcome = await work();
      kind = outcome.kind;
      return outcome.value;
    } catch (error) {
      kind = isGatehouseError(error) ? error.kind : 'internal';
      throw error;
    } finally {
      const durationMs = this.clock.monotonic() - startedAt;
      const outcome = statusOf(kind);
      target.meter.finished(outcome, durationMs, kind);
      this.write(scope, { target: target.label, outcome, kind, durationMs, args });
    }
  }

  /**
   * The policy's word on the arguments, once they are checked.
   * @throws ProtocolError permission_denied
   */
  authorize(target: GateTarget, scope: CallScope, args: unknown): void {
    const { principal } = scope.origin;
    const decision = this.policy.decide(principal, target, args);
    if (decision.isAllowed) return;
    const { reason, data } = decision;
    const rule = typeof data?.['rule'] === 'string' ? data['rule'] : undefined;
    this.security.emit('argument_rejected', { target: target.label, principal: principal.subject, rule });
    throw new ProtocolError('permission_denied', reason, data && { data });
  }

  /** @returns a promise only where the rate is decided elsewhere */
  private admit(target: GateTarget, scope: CallScope): Promise<void> | undefined {
    const { principal, callerKey } = scope.origin;
    this.require(target, principal);
    if (!this.audit.isAvailable) throw auditUnavailable();
    // A later round of one call was counted with its first.
    if (scope.origin.client.isRetry) return undefined;
    const rate = this.rates.takeRun(callerKey, target, principal.roles);
    if (rate instanceof Promise) return rate.then((outcome) => this.refuseOver(outcome, target, scope));
    this.refuseOver(rate, target, scope);
    return undefined;
  }

  /** @throws ProtocolError rate_limited */
  private refuseOver(rate: RateOutcome, target: GateTarget, scope: CallScope): void {
    if (rate.isAllowed) return;
    const { retryAfterMs, limit, windowMs, isTotal } = rate;
    this.security.emit('rate_limit_exceeded', {
      transport: scope.origin.door,
      principal: scope.origin.principal.subject,
      bucket: isTotal ? `${target.label} of all callers` : target.label,
      limit,
      windowMs,
      retryAfterMs,
    });
    throw new ProtocolError('rate_limited', 'Rate limit exceeded', { data: { retryAfterMs } });
  }

  private writeStart(target: GateTarget, scope: CallScope, args: KeptArguments | undefined): void {
    this.write(scope, { target: target.label, outcome: 'started', kind: undefined, durationMs: 0, args });
  }

  private write({ origin }: CallScope, ending: CallEnding): void {
    const { requestId, door, principal, sessionHash } = origin;
    this.audit.record({
      requestId,
      door,
      principal: `${principal.issuer}/${principal.subject}`,
      credentialId: principal.credentialId,
      session: sessionHash,
      ...ending,
    });
  }
}

/** What the audit log is told of a call. */
type CallEnding = Pick<AuditEntry, 'target' | 'outcome' | 'kind' | 'durationMs' | 'args'>;

const AUDIT_RETRY_MS = 1_000;

function auditUnavailable(): ProtocolError {
  const message =
    'The audit log cannot be written, and nothing runs without it: try again later, or tell the operator.';
  return new ProtocolError('audit_unavailable', message, { data: { retryAfterMs: AUDIT_RETRY_MS } });
}

const REFUSALS: ReadonlySet<ErrorKind> = new Set<ErrorKind>([
  'unknown_tool',
  'unknown_prompt',
  'resource_not_found',
  'tool_disabled',
  'permission_denied',
  'insufficient_scope',
  'read_only',
  'quarantined',
  'rate_limited',
  'server_busy',
  'breaker_open',
  'invalid_params',
  'shutting_down',
  'audit_unavailable',
]);

function statusOf(kind: ErrorKind | undefined): CallStatus {
  if (kind === undefined) return 'success';
  if (kind === 'input_required') return 'waiting';
  if (kind === 'timeout' || kind === 'cancelled') return kind;
  return REFUSALS.has(kind) ? 'refused' : 'failure';
}
