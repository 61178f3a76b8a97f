import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { CHILD_PATH } from './command.js';

/**
 * Whether a program can be run by a tool: it lies on the PATH that child processes get, which is not the server's own.
 * @param name without a path
 */
export async function isProgramInstalled(name: string): Promise<boolean> {
  for (const folder of CHILD_PATH.split(':')) {
    try {
      await access(join(folder, name), constants.X_OK);
      return true;
    } catch {
      // Not in this folder, or not to be run by this user: the next one may have it.
    }
  }
  return false;
}
