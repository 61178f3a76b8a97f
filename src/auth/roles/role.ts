import type { RunTarget } from '../../limits/index.js';
import type { PolicyTarget, TargetHints } from '../policy-target.js';
import type { ArgumentRule } from './argument-rule.js';
import type { Glob } from './glob.js';
import type { Permission } from './permission.js';

/** What a rule is about: a kind of target, or any, and names. */
export interface TargetPattern {
  readonly kind: PolicyTarget['kind'] | '*';
  readonly name: Glob;
}

/** One rule of a role. All that it names must hold. */
export interface RoleRule {
  /** `dba.allow[0]`: role, list and place in it. */
  readonly id: string;
  /** Where it is written: `roles.yaml:12`, or `built-in`. */
  readonly place: string;
  /** One of these must fit. */
  readonly targets: readonly TargetPattern[];
  /** Each of these must be what is asked. */
  readonly hints: Partial<TargetHints>;
  /** The target must have one of these; none means any target. */
  readonly tags: readonly string[];
  /** What the credential must have besides; for allow rules. */
  readonly scopes: readonly string[];
  readonly args: readonly ArgumentRule[];
}

/** Runs a minute of what a pattern names. */
export interface RoleRate {
  readonly target: TargetPattern;
  readonly runsPerMinute: number;
}

/** What callers with a role may do. */
export interface Role {
  readonly name: string;
  /** Where it is written. */
  readonly place: string;
  readonly inherits: readonly string[];
  readonly allow: readonly RoleRule[];
  readonly deny: readonly RoleRule[];
  readonly permissions: readonly Permission[];
  /** Messages in one window, >= 1; undefined leaves what the settings say. */
  readonly messages: number | undefined;
  readonly rates: readonly RoleRate[];
}

/** Whether a pattern names a target: what is read through a resource template, by its own URI too. */
export function names({ kind, name }: TargetPattern, target: RunTarget): boolean {
  if (kind !== '*' && kind !== target.kind) return false;
  return name.matches(target.name) || (target.uri !== undefined && name.matches(target.uri));
}
