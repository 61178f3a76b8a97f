import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EXIT, StartError } from '../common/index.js';
import { parseSessionKeys, type SessionKey } from '../config/index.js';
import { openIfThere, syncFolder } from './files.js';

const KEY_BYTES = 32;
const OTHERS = 0o077;

/** The keys that seal session ids and all else that goes out and comes back (DESIGN D-9). */
export class SessionKeys {
  private constructor(
    /** Seals. */
    readonly first: SessionKey,
    /** Open, the first among them. */
    readonly all: readonly SessionKey[],
  ) {}

  /** Keys that end with the process. */
  static ephemeral(): SessionKeys {
    return SessionKeys.of([newKey()]) as SessionKeys;
  }

  /**
   * Reads `MCP_SESSION_KEYS`.
   * @throws StartError it is malformed; the value is not shown
   */
  static fromSetting(text: string): SessionKeys {
    const keys = SessionKeys.of(parseSessionKeys(text));
    if (keys) return keys;
    throw new StartError(
      'MCP_SESSION_KEYS is not a list of keys.',
      ['Write kid:base64 of 32 bytes each, comma separated. One key: echo "k1:$(openssl rand -base64 32)"'],
      EXIT.config,
    );
  }

  /**
   * Reads the key file, or makes it once. It has the form of `MCP_SESSION_KEYS`, so keys can be rotated in it, or moved
   * from it to the setting.
   * @param path file in a folder that this process holds
   * @throws StartError the file is malformed, or others can read it
   */
  static async fromFile(path: string): Promise<SessionKeys> {
    const text = (await readPrivate(path)) ?? (await writeOnce(path));
    const keys = SessionKeys.of(parseSessionKeys(text));
    if (keys) return keys;
    throw new StartError(`The key file ${path} does not hold kid:base64 of 32 bytes.`, [
      'Put back a copy of the file from a backup to keep the sessions that are open.',
      `To end them and have a new key made: mv '${path}' '${path}.damaged'`,
    ]);
  }

  private static of(keys: readonly SessionKey[] | undefined): SessionKeys | undefined {
    const first = keys?.[0];
    return keys && first ? new SessionKeys(first, keys) : undefined;
  }
}

function newKey(): SessionKey {
  return { kid: `made-${randomBytes(4).toString('hex')}`, key: randomBytes(KEY_BYTES) };
}

/** @returns undefined when there is no such file */
async function readPrivate(path: string): Promise<string | undefined> {
  const handle = await openIfThere(path);
  if (!handle) return undefined;
  try {
    const { mode } = await handle.stat();
    // Windows has no such bits: Node makes them up.
    if (process.platform !== 'win32' && (mode & OTHERS) !== 0) throw exposed(path, mode);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

/** Writes a new key. The file gets its name when it is whole, so that a crash cannot leave half a key. */
async function writeOnce(path: string): Promise<string> {
  const { kid, key } = newKey();
  const text = `${kid}:${key.toString('base64')}\n`;
  const unnamed = `${path}.new`;
  await rm(unnamed, { force: true });
  const handle = await open(unnamed, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(unnamed, path);
  await syncFolder(dirname(path));
  return text;
}

function exposed(path: string, mode: number): StartError {
  return new StartError(`The key file ${path} can be read by others (mode ${(mode & 0o777).toString(8)}).`, [
    `If nobody else has read it: chmod 600 '${path}'`,
    `Otherwise remove it, and a new key is made; the sessions that are open end: rm '${path}'`,
  ]);
}
