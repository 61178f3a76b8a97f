import { Glob } from './glob.js';
import { type Permission, PERMISSIONS } from './permission.js';
import type { Role, RoleRule, TargetPattern } from './role.js';

/** Where the roles that come with the program are written. */
export const BUILT_IN = 'built-in';
const EVERYTHING = new Glob('*');
const ALL: readonly TargetPattern[] = [{ kind: '*', name: EVERYTHING }];

function allow(id: string, rule: Partial<RoleRule>): RoleRule {
  return { id, place: BUILT_IN, targets: ALL, hints: {}, tags: [], scopes: [], args: [], ...rule };
}

function role(name: string, rules: readonly Partial<RoleRule>[], permissions: readonly Permission[]): Role {
  const rulesOfRole = rules.map((rule, index) => allow(`${name}.allow[${index}]`, rule));
  const nothing = { inherits: [], deny: [], messages: undefined, rates: [] };
  return { ...nothing, name, place: BUILT_IN, allow: rulesOfRole, permissions };
}

const of = (kind: TargetPattern['kind']): readonly TargetPattern[] => [{ kind, name: EVERYTHING }];

/**
 * The roles that there are without a file: a viewer looks, an operator uses all that its author keeps for nobody else,
 * an admin manages besides (D-11).
 */
export const BUILT_IN_ROLES: readonly Role[] = [
  role(
    'viewer',
    [{ targets: of('tool'), hints: { readOnly: true } }, { targets: of('resource') }, { targets: of('prompt') }],
    ['read:tools'],
  ),
  role('operator', [{}], ['read:tools', 'read:metrics', 'read:health', 'read:events', 'read:docs']),
  role('admin', [{}], PERMISSIONS),
];
