import { DEFAULT_OVERLAP_MS, type IssuedKey, type KeyDescription, newKeyToken } from '../../auth/index.js';
import { EXIT, isGatehouseError, printable, StartError } from '../../common/index.js';
import { hostEnvironment, isKeyId, isRoleName, isScopeName, loadConfig } from '../../config/index.js';
import type { Invocation } from '../invocation.js';
import { type KeyArguments, KEYS_USAGE, parseKeyArguments } from './key-arguments.js';
import type { KeyAdmin } from './key-admin.js';
import { withKeys } from './with-keys.js';

const MS_PER_HOUR = 3_600_000;
const MS_PER_DAY = 24 * MS_PER_HOUR;

/**
 * `gatehouse keys`: hands out API keys. A token goes to stdout, once, and nowhere else; what is said about it goes to
 * stderr.
 */
export async function keys({ argv, cwd }: Invocation): Promise<void> {
  if (argv.includes('--help') || argv.length === 0) {
    process.stdout.write(`${KEYS_USAGE}\n`);
    return;
  }
  const given = parseKeyArguments(argv);
  if (given.printSetting) return printSetting(given);
  const config = await loadConfig({ argv: given.settings, env: hostEnvironment(), cwd });
  try {
    await withKeys(config, (admin) => ACTIONS[given.action](admin, given));
  } catch (error) {
    // What is wrong with the request, in words for whoever made it.
    if (isGatehouseError(error)) throw new StartError(error.message, [], EXIT.fatal);
    throw error;
  }
}

const ACTIONS: Readonly<Record<KeyArguments['action'], (admin: KeyAdmin, given: KeyArguments) => Promise<void>>> = {
  create: async (admin, { subject: name, roles, scopes, expiresInDays, json }) => {
    const expiresAt = expiresInDays === undefined ? undefined : Date.now() + expiresInDays * MS_PER_DAY;
    const issued = await admin.create({ name, roles, ...(scopes.length > 0 && { scopes }), expiresAt });
    handOut(issued, json);
  },
  list: async (admin, { json }) => {
    const all = await admin.list();
    process.stdout.write(json ? `${JSON.stringify(all)}\n` : table(all));
  },
  rotate: async (admin, { subject: id, overlapHours, json }) => {
    handOut(await admin.rotate(id, overlapHours === undefined ? DEFAULT_OVERLAP_MS : overlapHours * MS_PER_HOUR), json);
  },
  revoke: async (admin, { subject: id, json }) => {
    const key = await admin.revoke(id);
    if (json) process.stdout.write(`${JSON.stringify(key)}\n`);
    process.stderr.write(`Revoked key ${printable(key.id)} of ${printable(key.name)}.\n`);
  },
};

function handOut(issued: IssuedKey, json: boolean): void {
  const { id, name, roles, expiresAt, oldTokenUntil } = issued.key;
  const until = expiresAt === undefined ? 'without end' : `until ${expiresAt}`;
  const old = oldTokenUntil === undefined ? '' : ` The old token goes on until ${oldTokenUntil}.`;
  process.stdout.write(`${json ? JSON.stringify(issued) : issued.token}\n`);
  process.stderr.write(
    printable(`Key ${id} of ${name}, ${roles.join(', ')}, ${until}. The token is shown this once.${old}`, 1_000) + '\n',
  );
}

/** For whoever keeps settings in files of their own: nothing is kept, the hash goes where settings are. */
function printSetting({ subject: id, roles, scopes }: KeyArguments): void {
  if (!isKeyId(id) || !roles.every(isRoleName) || !scopes.every(isScopeName)) {
    throw new StartError(
      'The name must be 1 to 32 of A-Z a-z 0-9 -, and roles and scopes of their usual form',
      [],
      EXIT.usage,
    );
  }
  const { token, hash } = newKeyToken(id);
  const scope = scopes.length > 0 ? `:${scopes.join(' ')}` : '';
  process.stdout.write(`${token}\n`);
  process.stderr.write(`Add to MCP_API_KEYS: ${id}:${hash}:${roles.join('+')}${scope}\n`);
}

const COLUMNS = ['id', 'name', 'roles', 'state', 'source', 'createdAt', 'expiresAt', 'lastUsedAt'] as const;

function table(all: readonly KeyDescription[]): string {
  const rows = all.map((key) =>
    COLUMNS.map((column) => {
      const value = key[column];
      return printable(typeof value === 'string' ? value : (value?.join('+') ?? '-'));
    }),
  );
  const lines = [[...COLUMNS], ...rows];
  const widths = COLUMNS.map((_name, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
