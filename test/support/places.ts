import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Folder of the project. */
export const ROOT = join(import.meta.dirname, '..', '..');

/** The built program, as users start it. */
export const MAIN = join(ROOT, 'dist', 'main.js');

/**
 * A built plug-in of `test/fixtures`.
 * @param path from there, without its extension, such as `contract/index`
 */
export function fixture(path: string): string {
  const file = join(ROOT, 'dist-fixtures', 'test', 'fixtures', `${path}.js`);
  if (!existsSync(file)) throw new Error(`${file} is missing: run "npm run build:fixtures" first`);
  return file;
}

/** A folder for one test. */
export interface TemporaryFolder {
  readonly path: string;
  remove(): Promise<void>;
}

export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'gatehouse-test-')));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
