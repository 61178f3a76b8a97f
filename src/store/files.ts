import { open, type FileHandle } from 'node:fs/promises';

/**
 * Makes the names in a folder durable: a file that was made or renamed outlasts a power cut only after this.
 * Windows cannot open folders, and does this itself.
 */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The code of an error of the operating system, as `ENOENT`; its message where it has none. */
export function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

/** Whether an error comes from the operating system, or from Node in its name. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return typeof (error as NodeJS.ErrnoException | undefined)?.code === 'string';
}

/** Whether an error of the operating system has this code. */
function isCode(error: unknown, code: string): boolean {
  return codeOf(error) === code;
}

/** Opens a file to read it, if there is one. */
export async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Opens a file that must not exist yet, for its owner only. */
export async function createExclusive(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (error) {
    if (isCode(error, 'EEXIST')) return undefined;
    throw error;
  }
}
