import type { RunTarget } from '../../limits/index.js';
import type { PolicyTarget } from '../policy-target.js';
import type { Principal } from '../principal.js';
import { names, type Role, type RoleRate, type RoleRule } from './role.js';

/** Why a target is there for a set of roles, or is not. */
export type VisibilityReason =
  /** A rule allows it. */
  | 'allowed'
  /** Its author gave it to everyone, or to a role that no roles file knows. */
  | 'granted'
  /** A deny rule without arguments names it. */
  | 'denied'
  /** It is for roles that are not among these. */
  | 'role_required'
  /** No rule allows it. */
  | 'no_rule';

/** All that one set of roles has to say about one target. */
export interface TargetRules {
  readonly isVisible: boolean;
  readonly reason: VisibilityReason;
  /** The rule that decided, where one did. */
  readonly rule: RoleRule | undefined;
  /** Allow rules that name the target; with `granted`, none of them is needed. */
  readonly allows: readonly RoleRule[];
  /** Deny rules that look at arguments. */
  readonly denies: readonly RoleRule[];
  /** Whether the rules look at neither scopes nor arguments: the call needs no second look. */
  readonly isPlain: boolean;
}

/** What callers with one set of roles may do. What was found out about a target is kept for as long as the target is. */
export class RoleSet {
  private readonly found = new WeakMap<PolicyTarget, TargetRules>();
  private readonly rates = new WeakMap<RunTarget, { readonly runsPerMinute: number | undefined }>();
  /** Every role that is held, or inherited by one that is. */
  readonly roles: ReadonlySet<Role>;
  private readonly held: ReadonlySet<string>;
  /** Messages in one window, of several roles the most; undefined where the roles say nothing. */
  readonly messages: number | undefined;

  /**
   * @param lines a line for each role that is held: the role, and after it what it inherits, nearest first
   * @param unknown roles that are held and that no book knows
   * @param key names the set, and the rules that it stands for
   */
  constructor(
    private readonly lines: readonly (readonly Role[])[],
    private readonly unknown: ReadonlySet<string>,
    readonly key: string,
  ) {
    this.roles = new Set(lines.flat());
    this.held = new Set([...unknown, ...[...this.roles].map(({ name }) => name)]);
    this.messages = highest(lines, ({ messages }) => messages);
  }

  /** Whether a role is held, or inherited by one that is. */
  holds(name: string): boolean {
    return this.held.has(name);
  }

  rulesFor(target: PolicyTarget): TargetRules {
    let rules = this.found.get(target);
    if (!rules) this.found.set(target, (rules = this.find(target)));
    return rules;
  }

  /**
   * Of several roles the highest rate; of each its own, else what it inherits.
   * @returns runs a minute, >= 1; undefined where the roles say nothing
   */
  rateOf(target: RunTarget): number | undefined {
    let rate = this.rates.get(target);
    if (!rate) this.rates.set(target, (rate = { runsPerMinute: this.findRate(target) }));
    return rate.runsPerMinute;
  }

  private find(target: PolicyTarget): TargetRules {
    const allows = [...this.roles].flatMap(({ allow }) => allow.filter((rule) => isAbout(rule, target)));
    const denies = [...this.roles].flatMap(({ deny }) => deny.filter((rule) => isAbout(rule, target)));
    const { reason, rule } = this.visibility(target, allows, denies);
    const needsNoLook = reason === 'granted' || allows.some(({ scopes, args }) => scopes.length + args.length === 0);
    return {
      isVisible: reason === 'allowed' || reason === 'granted',
      reason,
      rule,
      allows,
      denies,
      isPlain: needsNoLook && denies.length === 0,
    };
  }

  /** Deny wins, whatever else is said; then the author's word on roles; then a rule must allow it. */
  private visibility(
    target: PolicyTarget,
    [allow]: readonly RoleRule[],
    denies: readonly RoleRule[],
  ): Pick<TargetRules, 'reason' | 'rule'> {
    const deny = denies.find(({ args }) => args.length === 0);
    if (deny) return { reason: 'denied', rule: deny };
    if (target.isPublic) return { reason: 'granted', rule: undefined };
    const { roles } = target;
    if (roles && !roles.some((name) => this.held.has(name))) return { reason: 'role_required', rule: undefined };
    // Nobody but the author can say what a role may do that no file knows.
    if (roles?.some((name) => this.unknown.has(name))) return { reason: 'granted', rule: undefined };
    return { reason: allow ? 'allowed' : 'no_rule', rule: allow };
  }

  private findRate(target: RunTarget): number | undefined {
    return highest(this.lines, (role) => bestRate(role, target)?.runsPerMinute);
  }
}

/** Of each line what the nearest role says, of several lines the most; undefined where no role says anything. */
function highest(lines: readonly (readonly Role[])[], limitOf: (role: Role) => number | undefined): number | undefined {
  const limits = lines.flatMap((line) => line.map(limitOf).find((limit) => limit !== undefined) ?? []);
  return limits.length > 0 ? Math.max(...limits) : undefined;
}

/** Of one role the rate that says most about the target. */
function bestRate({ rates }: Role, target: RunTarget): RoleRate | undefined {
  const fitting = rates.filter((rate) => names(rate.target, target));
  return fitting.sort((one, other) => weight(other) - weight(one))[0];
}

/**
 * What a credential lacks for a target that its roles can see: of several rules, the one that it lacks least for.
 * @param held scopes of the credential
 * @returns all the scopes that the call asks for, held or not; undefined where none is lacking
 */
export function lackingScopes(
  held: readonly string[],
  target: PolicyTarget,
  rules: TargetRules,
): readonly string[] | undefined {
  const missing = (scopes: readonly string[]): number => scopes.filter((scope) => !held.includes(scope)).length;
  const { scopes: ofTarget = [] } = target;
  const asked = rules.reason === 'granted' ? [] : rules.allows.map(({ scopes }) => scopes);
  const [ofRule = []] = asked.sort((one, other) => missing(one) - missing(other));
  if (missing(ofTarget) + missing(ofRule) === 0) return undefined;
  return [...new Set([...ofTarget, ...ofRule])];
}

/** What arguments come to, under the rules of a target. */
export interface ArgumentVerdict {
  readonly isAllowed: boolean;
  /** The rule that decided; none where no rule looks at arguments. */
  readonly rule: RoleRule | undefined;
  /** What must be mended, where an allow rule would do but for it. */
  readonly demand?: string | undefined;
}

/** Looks at arguments: no deny rule may catch them, and one allow rule must take them. */
export function judgeArguments({ scopes: held }: Principal, rules: TargetRules, args: unknown): ArgumentVerdict {
  const caught = rules.denies.find((rule) => rule.args.every((argument) => argument.catches(args)));
  if (caught) return { isAllowed: false, rule: caught };
  if (rules.reason === 'granted') return { isAllowed: true, rule: undefined };
  const usable = rules.allows.filter(({ scopes }) => !held || scopes.every((scope) => held.includes(scope)));
  const taken = usable.find((rule) => rule.args.every((argument) => argument.allows(args)));
  if (taken) return { isAllowed: true, rule: taken };
  const [nearest] = usable;
  const failing = nearest?.args.find((argument) => !argument.allows(args));
  return { isAllowed: false, rule: nearest, demand: failing?.demand };
}

function isAbout({ targets, hints, tags }: RoleRule, target: PolicyTarget): boolean {
  if (!targets.some((pattern) => names(pattern, target))) return false;
  if (tags.length > 0 && !tags.some((tag) => target.tags.includes(tag))) return false;
  return Object.entries(hints).every(([hint, wanted]) => target.hints?.[hint as keyof typeof hints] === wanted);
}

/** A name that is written out says more than any pattern. */
function weight({ target: { kind, name } }: RoleRate): number {
  return (name.isExact ? 1_000 : 0) + name.weight + (kind === '*' ? 0 : 1);
}
