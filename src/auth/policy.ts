import type { JsonObject } from '../common/index.js';
import type { RateOverrides, RunTarget } from '../limits/index.js';
import type { PolicyTarget } from './policy-target.js';
import type { Principal } from './principal.js';

/** Why a caller may not use, now or as they are, what exists for them. */
export interface PolicyRefusal {
  readonly kind: 'insufficient_scope' | 'quarantined' | 'read_only';
  /** In words that the caller may read. */
  readonly reason: string;
  /** Sent beside the kind. */
  readonly data?: JsonObject;
}

/** Yes, or no with the words that the caller may read, and what is sent beside them. */
export type PolicyDecision =
  { readonly isAllowed: true } | { readonly isAllowed: false; readonly reason: string; readonly data?: JsonObject };

/** Who may use what. One decision drives list and call alike (D-13). */
export abstract class Policy implements RateOverrides {
  /** Principals of one key see the same lists, and do so while it stays the same: the key under which pages are kept. */
  abstract viewKey(principal: Principal): string;

  /** Whether the target exists for this caller at all: if not, it is neither listed nor called. */
  abstract isVisible(principal: Principal, target: PolicyTarget): boolean;

  /**
   * The rules on arguments, after they were checked against the schema.
   * @param args the checked arguments; undefined where there are none to judge, as for a resource or a completion
   */
  abstract decide(principal: Principal, target: PolicyTarget, args: unknown): PolicyDecision;

  /** Whether the target is shown in lists: it is visible, and no incident keeps it from everyone. */
  isListed(principal: Principal, target: PolicyTarget): boolean {
    return this.isVisible(principal, target);
  }

  /**
   * Why a target that is visible may not be called: an incident, or a scope that the credential lacks.
   * @returns undefined where nothing is in the way
   */
  refusalOf(_principal: Principal, _target: PolicyTarget): PolicyRefusal | undefined {
    return undefined;
  }

  /** @returns messages in one window that the roles give, >= 1; undefined leaves what the settings say */
  messages(_roles: readonly string[]): number | undefined {
    return undefined;
  }

  /** @returns runs a minute that the roles give, >= 1; undefined leaves what the target itself says */
  runsPerMinute(_roles: readonly string[], _target: RunTarget): number | undefined {
    return undefined;
  }

  /** Is told of each target before anybody asks for it: the roles that it names tell callers apart from then on. */
  learn(_target: PolicyTarget): void {}
}
