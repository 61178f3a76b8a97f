import { createHash } from 'node:crypto';
import type { PolicyTarget } from '../policy-target.js';
import type { Principal } from '../principal.js';
import { BUILT_IN, BUILT_IN_ROLES } from './builtin-roles.js';
import { names, type Role, type RoleRule } from './role.js';
import { RoleSet } from './role-set.js';

/** Sets of roles kept at once. Callers bring few; a provider that gives each their own makes many. */
const MAX_SETS = 1_000;

/**
 * The roles that there are, ready to decide: what a set of roles comes to is worked out once, and then found by the
 * list of the principal itself. It never changes: a reload makes another.
 */
export class RoleBook {
  private readonly byName: ReadonlyMap<string, Role>;
  /** Names the rules: books of one digest decide alike. */
  readonly digest: string;
  /** Roles that targets name: those tell callers apart though nothing else may be known of them. */
  private readonly named = new Set<string>();
  private byList = new WeakMap<readonly string[], RoleSet>();
  private readonly byKey = new Map<string, RoleSet>();

  /**
   * @param roles those of a file; they stand for built-in ones of the same name
   * @param content what the rules depend on, as text: books of one content give the same keys
   */
  constructor(roles: readonly Role[] = [], content = '') {
    this.byName = new Map([...BUILT_IN_ROLES, ...roles].map((role) => [role.name, role]));
    this.digest = createHash('sha256').update(content).digest('base64url');
  }

  get names(): readonly string[] {
    return [...this.byName.keys()];
  }

  get all(): readonly Role[] {
    return [...this.byName.values()];
  }

  has(name: string): boolean {
    return this.byName.has(name);
  }

  /** Takes note of the roles that a target names. */
  learn({ roles }: PolicyTarget): void {
    const news = (roles ?? []).filter((name) => !this.named.has(name));
    for (const name of news) this.named.add(name);
    if (news.every((name) => this.byName.has(name))) return;
    this.byList = new WeakMap();
    this.byKey.clear();
  }

  /** What a caller's roles come to. */
  setOf({ roles }: Pick<Principal, 'roles'>): RoleSet {
    let set = this.byList.get(roles);
    if (!set) this.byList.set(roles, (set = this.find(roles)));
    return set;
  }

  /** Has another book know what this one knows of targets. */
  teach(other: RoleBook): void {
    other.learn({ kind: 'tool', name: '', tags: [], roles: [...this.named] });
  }

  private find(held: readonly string[]): RoleSet {
    const known = [...new Set(held)].filter((name) => this.byName.has(name)).sort();
    // A role that is neither known nor named makes no difference: it must not make other pages either.
    const unknown = [...new Set(held)].filter((name) => this.named.has(name) && !this.byName.has(name)).sort();
    const text = JSON.stringify([known, unknown]);
    let set = this.byKey.get(text);
    if (!set) {
      set = new RoleSet(
        known.map((name) => this.lineOf(name)),
        new Set(unknown),
        this.keyOf(text),
      );
      if (this.byKey.size >= MAX_SETS) this.byKey.clear();
      this.byKey.set(text, set);
    }
    return set;
  }

  private keyOf(names: string): string {
    return createHash('sha256').update(this.digest).update(names).digest('base64url');
  }

  /** A role and all that it inherits, nearest first. */
  private lineOf(name: string): readonly Role[] {
    const found = new Map<string, Role>();
    let level = [name];
    while (level.length > 0) {
      const next = level.flatMap((role) => (found.has(role) ? [] : [this.byName.get(role) as Role]));
      for (const role of next) found.set(role.name, role);
      level = next.flatMap(({ inherits }) => inherits);
    }
    return [...found.values()];
  }
}

/**
 * Rules whose targets name nothing. A rule for resources may mean URIs that only a template knows: it is left out.
 * @param targets every one that there is
 */
export function rulesNamingNothing(book: RoleBook, targets: readonly PolicyTarget[]): readonly RoleRule[] {
  const rules = book.all.flatMap(({ allow, deny }) => [...allow, ...deny]);
  return rules.filter(
    (rule) =>
      rule.place !== BUILT_IN &&
      !rule.targets.some((pattern) => pattern.kind === 'resource' || targets.some((target) => names(pattern, target))),
  );
}
