import { Injectable } from '@nestjs/common';
import type { Principal } from './principal.js';

/** What a policy decides on: one tool, resource or prompt. */
export interface PolicyTarget {
  readonly kind: 'tool' | 'resource' | 'prompt';
  readonly name: string;
  readonly tags: readonly string[];
  /** Roles that may use it; undefined means every role. */
  readonly roles: readonly string[] | undefined;
}

/** Yes, or no with the words that the caller may read. */
export type PolicyDecision = { readonly isAllowed: true } | { readonly isAllowed: false; readonly reason: string };

const ALLOWED: PolicyDecision = Object.freeze({ isAllowed: true });

/** Who may use what. One decision drives list and call alike (D-13). */
export abstract class Policy {
  /** Principals of one key see the same lists: the key under which pages are kept. */
  abstract viewKey(principal: Principal): string;

  /** Whether the target exists for this caller at all: if not, it is neither listed nor called. */
  abstract isVisible(principal: Principal, target: PolicyTarget): boolean;

  /**
   * The rules on arguments, after they were checked against the schema.
   * @param args the checked arguments; undefined where the target takes none
   */
  abstract decide(principal: Principal, target: PolicyTarget, args: unknown): PolicyDecision;
}

/** By role alone: a target is for the roles that it names, or for everyone. */
@Injectable()
export class RolePolicy extends Policy {
  /** Any text may be a role: no two sets of them may share a key. */
  override viewKey({ roles }: Principal): string {
    return roles.length === 1 ? `=${roles[0]}` : JSON.stringify([...roles].sort());
  }

  override isVisible(principal: Principal, target: PolicyTarget): boolean {
    if (target.roles === undefined) return true;
    for (const role of principal.roles) if (target.roles.includes(role)) return true;
    return false;
  }

  override decide(principal: Principal, target: PolicyTarget): PolicyDecision {
    return this.isVisible(principal, target) ? ALLOWED : { isAllowed: false, reason: 'Your role may not use this.' };
  }
}
