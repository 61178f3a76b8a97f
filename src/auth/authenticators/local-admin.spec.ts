import { readFile, stat, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type TemporaryFolder, temporaryFolder } from '../../../test/support/places.js';
import { localAccessPath, LocalAdmin, readLocalAccess } from './local-admin.js';

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await temporaryFolder();
});

afterEach(() => folder.remove());

describe('LocalAdmin', () => {
  it('leaves its credential for its own user alone, and takes it away at the end', async () => {
    const path = localAccessPath(folder.path);
    // What a process that crashed has left is no hindrance, whoever may read it.
    await writeFile(path, 'old', { mode: 0o666 });
    await writeFile(`${path}.new`, 'half', { mode: 0o666 });
    const local = new LocalAdmin();
    await local.publish(folder.path, { url: 'http://127.0.0.1:8080' });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(readLocalAccess(await readFile(path, 'utf8'))).toEqual({
      url: 'http://127.0.0.1:8080',
      token: local.token,
      pid: process.pid,
    });
    await local.onApplicationShutdown();
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is another one in each process', () => {
    expect(new LocalAdmin().token).not.toBe(new LocalAdmin().token);
    expect(new LocalAdmin().token).toMatch(/^ghl_[A-Za-z0-9_-]{43}$/);
  });

  it.each(['', '{', '[]', '{"url":"file:///etc","token":"x","pid":1}', '{"url":"http://a","token":1,"pid":1}'])(
    'takes %j for no way in',
    (text) => {
      expect(readLocalAccess(text)).toBeUndefined();
    },
  );
});
