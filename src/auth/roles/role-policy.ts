import { Injectable } from '@nestjs/common';
import type { RunTarget } from '../../limits/index.js';
import type { Incident } from '../incidents/incident.js';
import { IncidentBoard } from '../incidents/incident-board.js';
import { Policy, type PolicyDecision, type PolicyRefusal } from '../policy.js';
import type { PolicyTarget } from '../policy-target.js';
import type { Principal } from '../principal.js';
import { LiveRoles } from './live-roles.js';
import type { RoleBook } from './role-book.js';
import { judgeArguments, lackingScopes } from './role-set.js';

const ALLOWED: PolicyDecision = Object.freeze({ isAllowed: true });
const NOT_FOR_YOU: PolicyDecision = Object.freeze({ isAllowed: false, reason: 'Your role may not use this.' });

/** By roles, and by what incidents keep from everyone. */
@Injectable()
export class RolePolicy extends Policy {
  constructor(
    private readonly roles: LiveRoles,
    private readonly incidents: IncidentBoard,
  ) {
    super();
  }

  override viewKey(principal: Principal): string {
    const { key } = this.book.setOf(principal);
    return this.incidents.isActive ? `${key}${this.incidents.stamp}` : key;
  }

  override isVisible(principal: Principal, target: PolicyTarget): boolean {
    return this.book.setOf(principal).rulesFor(target).isVisible;
  }

  override isListed(principal: Principal, target: PolicyTarget): boolean {
    return this.isVisible(principal, target) && this.incidents.ofTarget(target) === undefined;
  }

  override refusalOf(principal: Principal, target: PolicyTarget): PolicyRefusal | undefined {
    const incident = this.incidents.ofPrincipal(principal) ?? this.incidents.ofTarget(target);
    if (incident) return refusalOfIncident(incident);
    const { scopes } = principal;
    if (!scopes) return undefined;
    const required = lackingScopes(scopes, target, this.book.setOf(principal).rulesFor(target));
    if (!required) return undefined;
    const reason = `The credential lacks a scope. This needs: ${required.join(' ')}. Ask for a token that has them.`;
    return { kind: 'insufficient_scope', reason, data: { requiredScopes: required } };
  }

  override decide(principal: Principal, target: PolicyTarget, args: unknown): PolicyDecision {
    const rules = this.book.setOf(principal).rulesFor(target);
    if (!rules.isVisible) return NOT_FOR_YOU;
    if (rules.isPlain || args === undefined) return ALLOWED;
    const { isAllowed, rule, demand } = judgeArguments(principal, rules, args);
    if (isAllowed) return ALLOWED;
    if (!rule) return NOT_FOR_YOU;
    const why = demand ?? 'these are ones that it denies';
    return {
      isAllowed: false,
      reason: `Rule ${rule.id} does not allow these arguments: ${why}.`,
      data: { rule: rule.id },
    };
  }

  override messages(roles: readonly string[]): number | undefined {
    return this.book.setOf({ roles }).messages;
  }

  override runsPerMinute(roles: readonly string[], target: RunTarget): number | undefined {
    return this.book.setOf({ roles }).rateOf(target);
  }

  override learn(target: PolicyTarget): void {
    this.book.learn(target);
  }

  private get book(): RoleBook {
    return this.roles.book;
  }
}

/** What a caller is told whom an incident keeps from something. */
export function refusalOfIncident({ scope, until }: Incident): PolicyRefusal {
  const end = new Date(until).toISOString();
  const retryAt = { until: end };
  switch (scope.kind) {
    case 'read_only':
      return {
        kind: 'read_only',
        reason: `The server is read-only until ${end}: only tools that change nothing can be called.`,
        data: retryAt,
      };
    case 'tool':
      return { kind: 'quarantined', reason: `The tool is in quarantine until ${end}.`, data: retryAt };
    case 'principal':
      return { kind: 'quarantined', reason: `You are in quarantine until ${end}: ask an operator.`, data: retryAt };
  }
}
