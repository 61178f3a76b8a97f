import { Injectable } from '@nestjs/common';
import { AuditLog } from '../../audit/index.js';
import {
  IncidentBoard,
  type KnownPrincipal,
  LiveRoles,
  nameOf,
  Permissions,
  Policy,
  type Principal,
  type TargetRules,
} from '../../auth/index.js';
import type { ErrorKind, JsonObject } from '../../common/index.js';
import { principalKey, RateLimiter, type RateView } from '../../limits/index.js';
import type { GateTarget } from '../../tools/index.js';
import type { ExplainStep } from './explanation.js';

/** What the policy says of a caller and a target: its verdict by the policy itself, the reasons by the rules. */
@Injectable()
export class PolicySteps {
  constructor(
    private readonly policy: Policy,
    private readonly roles: LiveRoles,
    private readonly permissions: Permissions,
    private readonly incidents: IncidentBoard,
    private readonly audit: AuditLog,
    private readonly rates: RateLimiter,
  ) {}

  /** Who calls, and with which roles. */
  caller(principal: KnownPrincipal): readonly ExplainStep[] {
    const { isAuthenticated, credentialId, expiresAt, scopes, roles, refusal } = principal;
    const by = credentialId === undefined ? '' : ` by credential ${credentialId}`;
    const credential: ExplainStep = {
      check: 'credential',
      kind: refusal?.kind,
      detail: refusal?.detail ?? `${nameOf(principal)} is ${isAuthenticated ? `proven${by}` : 'not proven'}`,
      data: defined({ isAuthenticated, credentialId, expiresAt, scopes }),
    };
    const { book } = this.roles;
    const held = [...book.setOf(principal).roles].map(({ name, place }) => ({ name, place }));
    const unknown = roles.filter((name) => !book.has(name));
    const shown = held.map(({ name, place }) => `${name} (${place})`).join(', ');
    const more = unknown.length === 0 ? '' : `; no roles file knows ${unknown.join(', ')}`;
    const detail = `The roles, with what they inherit, are ${shown || 'none'}${more}`;
    const permissions = this.permissions.of(principal);
    return [credential, { check: 'roles', detail, data: { roles, held, unknown, permissions } }];
  }

  /** What stands before a call, in the order of the gate. */
  async admission(principal: Principal, target: GateTarget): Promise<readonly ExplainStep[]> {
    const rules = this.roles.book.setOf(principal).rulesFor(target);
    return [
      await this.messages(principal),
      this.rule(principal, target, rules),
      this.incident(principal, target),
      this.scopes(principal, target),
      this.record(),
      await this.rate(principal, target),
    ];
  }

  /** The rules on arguments; without any, what rules there are. @param args as the schema took them */
  arguments(principal: Principal, target: GateTarget, args: unknown): ExplainStep {
    const { allows, denies } = this.roles.book.setOf(principal).rulesFor(target);
    const rules = [...denies, ...allows].filter((rule) => rule.args.length > 0).map(({ id, place }) => ({ id, place }));
    if (args === undefined) {
      const names = rules.map(({ id, place }) => `${id} (${place})`).join(', ');
      return {
        check: 'arguments',
        detail: `No arguments were given; rules on them: ${names || 'none'}`,
        data: { rules },
      };
    }
    const decision = this.policy.decide(principal, target, args);
    if (decision.isAllowed) return { check: 'arguments', detail: 'The rules allow the arguments', data: { rules } };
    return {
      check: 'arguments',
      kind: 'permission_denied',
      detail: decision.reason,
      data: { rules, ...decision.data },
    };
  }

  private async messages(principal: Principal): Promise<ExplainStep> {
    const view = await this.rates.viewMessages(principalKey(principal), principal.roles);
    if (!view) return { check: 'messages', detail: 'Messages are not limited', data: {} };
    const { limit, windowMs } = view;
    // Unproven callers are counted per session or connection, and none is meant here.
    const left = principal.isAuthenticated ? leftOf(view) : undefined;
    const detail = `${limit} messages in ${windowMs / 1_000} s${left === undefined ? ', for each session' : `; ${left} are left`}`;
    return { check: 'messages', kind: left === 0 ? 'rate_limited' : undefined, detail, data: defined({ limit, left }) };
  }

  private rule(principal: Principal, target: GateTarget, { reason, rule }: TargetRules): ExplainStep {
    const isVisible = this.policy.isVisible(principal, target);
    const where = rule ? `${rule.id} (${rule.place})` : '';
    const details: Readonly<Record<TargetRules['reason'], string>> = {
      allowed: `Rule ${where} allows it`,
      granted: 'Its author gives it to the caller',
      denied: `Rule ${where} denies it`,
      role_required: `Its author keeps it for the roles ${(target.roles ?? []).join(', ')}`,
      no_rule: 'No rule allows it',
    };
    const data = defined({ reason, rule: rule?.id, place: rule?.place, roles: target.roles });
    return { check: 'rule', kind: isVisible ? undefined : target.unknown().kind, detail: details[reason], data };
  }

  private incident(principal: Principal, target: GateTarget): ExplainStep {
    const incident = this.incidents.ofPrincipal(principal) ?? this.incidents.ofTarget(target);
    if (!incident) return { check: 'incident', detail: 'No incident is in the way', data: {} };
    const { id, reason, by, since, until } = incident;
    const kind: ErrorKind = incident.scope.kind === 'read_only' ? 'read_only' : 'quarantined';
    const detail = `Incident ${id}, by ${by}, until ${new Date(until).toISOString()}: ${reason}`;
    return { check: 'incident', kind, detail, data: { id, reason, by, since, until } };
  }

  private scopes(principal: Principal, target: GateTarget): ExplainStep {
    const refusal = this.policy.refusalOf(principal, target);
    if (refusal?.kind === 'insufficient_scope') {
      return { check: 'scopes', kind: refusal.kind, detail: refusal.reason, data: refusal.data ?? {} };
    }
    const detail = principal.scopes ? 'The credential has the scopes' : 'The credential is not limited by scopes';
    return { check: 'scopes', detail, data: defined({ held: principal.scopes, ofTarget: target.scopes }) };
  }

  private record(): ExplainStep {
    const kind = this.audit.isAvailable ? undefined : 'audit_unavailable';
    const detail = kind
      ? 'The audit log cannot be written, and nothing runs without it'
      : 'The call can be written down';
    return { check: 'record', kind, detail, data: {} };
  }

  private async rate(principal: Principal, target: GateTarget): Promise<ExplainStep> {
    const { roles, isAuthenticated } = principal;
    const { ofCaller, total } = await this.rates.viewRuns(principalKey(principal), target, roles);
    if (!ofCaller && !total) return { check: 'rate', detail: 'Runs are not limited', data: {} };
    const givenBy = this.policy.runsPerMinute(roles, target) === undefined ? 'the target' : 'a role';
    // Unproven callers are counted per session or connection, and none is meant here.
    const left = ofCaller && isAuthenticated ? leftOf(ofCaller) : undefined;
    const own = ofCaller && `${ofCaller.limit} runs a minute, by ${givenBy}`;
    const ofAll = total && `${total.limit} runs a minute of all callers; ${leftOf(total)} are left`;
    const details = [own && (left === undefined ? `${own}, for each session` : `${own}; ${left} are left`), ofAll];
    return {
      check: 'rate',
      kind: left === 0 || (total && leftOf(total) === 0) ? 'rate_limited' : undefined,
      detail: details.filter((text) => text !== undefined).join('. '),
      data: defined({
        runsPerMinute: ofCaller?.limit,
        givenBy: ofCaller && givenBy,
        left,
        totalRunsPerMinute: total?.limit,
        leftOfTotal: total && leftOf(total),
      }),
    };
  }
}

function leftOf({ limit, used }: RateView): number {
  return Math.max(0, limit - used);
}

function defined(entries: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}
