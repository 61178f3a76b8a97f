import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { StartError } from '../common/index.js';
import { SessionKeys } from './session-keys.js';

const KEY_A = Buffer.alloc(32, 1).toString('base64');
const KEY_B = Buffer.alloc(32, 2).toString('base64');

describe('SessionKeys', () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gatehouse-keys-'));
    path = join(folder, 'session.key');
  });

  afterEach(() => rm(folder, { recursive: true }));

  it('D-9 seals with the first key of the setting and opens with all', () => {
    const keys = SessionKeys.fromSetting(`new:${KEY_A}, old:${KEY_B}`);
    expect(keys.first).toEqual({ kid: 'new', key: Buffer.alloc(32, 1) });
    expect(keys.all.map(({ kid }) => kid)).toEqual(['new', 'old']);
  });

  it('refuses a malformed setting without showing it', () => {
    const secret = Buffer.alloc(31, 7).toString('base64');
    expect(() => SessionKeys.fromSetting(`k:${secret}`)).toThrow(StartError);
    try {
      SessionKeys.fromSetting(`k:${secret}`);
    } catch (error) {
      expect(String(error)).not.toContain(secret);
    }
  });

  it('D-9 makes a key once, for its owner alone', async () => {
    const made = await SessionKeys.fromFile(path);
    expect(made.first.key).toHaveLength(32);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['session.key']);
    expect((await SessionKeys.fromFile(path)).all).toEqual(made.all);
  });

  it('writes a key in the form of the setting', async () => {
    const made = await SessionKeys.fromFile(path);
    expect(SessionKeys.fromSetting(await readFile(path, 'utf8')).all).toEqual(made.all);
  });

  it('makes a new key after a crash while the first was written', async () => {
    await writeFile(`${path}.new`, 'half');
    await SessionKeys.fromFile(path);
    expect(await readdir(folder)).toEqual(['session.key']);
  });

  it.each([0o640, 0o604, 0o620, 0o666])('refuses a key file that others can use: mode %o', async (mode) => {
    await SessionKeys.fromFile(path);
    await chmod(path, mode);
    await expect(SessionKeys.fromFile(path)).rejects.toThrow(`chmod 600 '${path}'`);
  });

  it.each(['', 'k:', `k:${KEY_A.slice(4)}`, KEY_A, `k:${KEY_A},k:${KEY_B}`])(
    'refuses a key file without good keys, and says how to get out: %j',
    async (text) => {
      await writeFile(path, text, { mode: 0o600 });
      const error = await SessionKeys.fromFile(path).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(StartError);
      expect(String(error)).toContain(`mv '${path}' '${path}.damaged'`);
    },
  );

  it('has keys that end with the process', () => {
    expect(SessionKeys.ephemeral().first.key).not.toEqual(SessionKeys.ephemeral().first.key);
  });

  it('passes on what the system says', async () => {
    await expect(SessionKeys.fromFile(join(path, 'x', 'y'))).rejects.toThrow('ENOENT');
    await writeFile(path, 'a file');
    await expect(SessionKeys.fromFile(join(path, 'x'))).rejects.toThrow('ENOTDIR');
  });
});
