import { isJsonObject } from '../../common/index.js';
import { isRoleName } from '../../config/index.js';
import { BUILT_IN_ROLES } from './builtin-roles.js';
import { DocumentCursor, type DocumentFaults } from './document-cursor.js';
import { permissionsOf } from './permission.js';
import type { Role, RoleRate, RoleRule } from './role.js';
import { readRule, readTarget } from './rule-reader.js';

const ROLE_KEYS = ['description', 'inherits', 'allow', 'deny', 'permissions', 'messages', 'rates'];
/** Above it, an admin could be shut out, or a role of another name take its place unseen. */
const FIXED = 'admin';
const MAX_ROLES = 1_000;
const MAX_RULES = 1_000;
const MAX_RUNS_PER_MINUTE = 10_000;
const MAX_MESSAGES = 100_000;

/**
 * Reads the roles of a document.
 * @param content of the file, parsed
 * @param faults takes every fault there is; with any, the roles are of no use
 */
export function readRoles(content: unknown, faults: DocumentFaults): readonly Role[] {
  const root = new DocumentCursor(content, [], faults);
  if (!isJsonObject(content)) {
    root.fault('must be an object with "roles"');
    return [];
  }
  root.knowsOnly(['roles']);
  const entries = root.at('roles').entries();
  if (entries.length > MAX_ROLES) root.at('roles').fault(`holds more than ${MAX_ROLES} roles`);
  const roles = entries.slice(0, MAX_ROLES).map(([name, cursor]) => ({ role: readRole(name, cursor), cursor }));
  checkInheritance(roles);
  return roles.map(({ role }) => role);
}

function readRole(name: string, cursor: DocumentCursor): Role {
  if (!isRoleName(name))
    cursor.fault('is no name of a role: 1 to 64 of A-Z a-z 0-9 _ . : - that begins with a letter or digit');
  if (name === FIXED) cursor.fault('is built in and cannot be changed: give the role another name');
  cursor.knowsOnly(ROLE_KEYS);
  cursor.at('description').text(() => true, 'text');
  const permissions = cursor
    .at('permissions')
    .texts((text) => permissionsOf(text).length > 0, 'a permission such as read:metrics, manage:tools, read:* or *');
  return {
    name,
    place: cursor.place,
    inherits: cursor.at('inherits').texts(isRoleName, 'the name of a role'),
    allow: readRules(name, cursor, 'allow'),
    deny: readRules(name, cursor, 'deny'),
    permissions: [...new Set(permissions.flatMap(permissionsOf))],
    messages: cursor.at('messages').number(...wholeTo(MAX_MESSAGES, 'messages in one window')),
    rates: readRates(cursor.at('rates')),
  };
}

function readRules(role: string, cursor: DocumentCursor, effect: 'allow' | 'deny'): readonly RoleRule[] {
  const items = cursor.at(effect).items();
  if (items.length > MAX_RULES) cursor.at(effect).fault(`holds more than ${MAX_RULES} rules`);
  return items.slice(0, MAX_RULES).map((item, index) => readRule(item, `${role}.${effect}[${index}]`, effect));
}

function readRates(cursor: DocumentCursor): readonly RoleRate[] {
  return cursor.entries().flatMap(([pattern, rate]) => {
    const runsPerMinute = rate.number(...wholeTo(MAX_RUNS_PER_MINUTE, 'runs a minute'));
    const target = readTarget(rate.named(pattern));
    return target && runsPerMinute !== undefined ? [{ target, runsPerMinute }] : [];
  });
}

/** What a limit may be, and what is said of one that is not. */
function wholeTo(max: number, unit: string): [isRight: (value: number) => boolean, what: string] {
  return [(value) => Number.isInteger(value) && value >= 1 && value <= max, `a whole number from 1 to ${max}, ${unit}`];
}

/** Every role that is inherited must be there, and none may inherit itself, however far around. */
function checkInheritance(roles: readonly { readonly role: Role; readonly cursor: DocumentCursor }[]): void {
  const known = new Map([...BUILT_IN_ROLES, ...roles.map(({ role }) => role)].map((role) => [role.name, role]));
  for (const { role, cursor } of roles) {
    const missing = role.inherits.filter((name) => !known.has(name));
    if (missing.length > 0) {
      cursor.at('inherits').fault(`names no role: ${missing.join(', ')}; there are: ${[...known.keys()].join(', ')}`);
    }
    if (inheritsItself(role, known)) cursor.at('inherits').fault('leads back to the role itself');
  }
}

function inheritsItself(role: Role, known: ReadonlyMap<string, Role>): boolean {
  const seen = new Set<string>();
  let level: readonly string[] = role.inherits;
  while (level.length > 0) {
    const next = level.filter((name) => !seen.has(name));
    for (const name of next) seen.add(name);
    level = next.flatMap((name) => known.get(name)?.inherits ?? []);
  }
  return seen.has(role.name);
}
