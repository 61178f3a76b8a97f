/**
 * What a role may do to the server itself, apart from using what it serves. `read` shows, `manage` changes.
 * The names are stable: roles files and REST routes hold them.
 */
export const PERMISSIONS = [
  'read:tools',
  'read:metrics',
  'read:health',
  'read:config',
  'read:audit',
  'read:events',
  'read:docs',
  'read:sessions',
  'read:keys',
  'read:blocks',
  'read:limits',
  'read:incidents',
  'read:explain',
  'manage:tools',
  'manage:sessions',
  'manage:keys',
  'manage:blocks',
  'manage:limits',
  'manage:incidents',
  'manage:config',
] as const;

export type Permission = (typeof PERMISSIONS)[number];

/**
 * The permissions that one word of a roles file stands for: its own, all of `read:*` or `manage:*`, or all.
 * @returns none where the word is no permission
 */
export function permissionsOf(word: string): readonly Permission[] {
  if (word === '*') return PERMISSIONS;
  if (word === 'read:*' || word === 'manage:*') {
    return PERMISSIONS.filter((permission) => permission.startsWith(word.slice(0, -1)));
  }
  return PERMISSIONS.filter((permission) => permission === word);
}
