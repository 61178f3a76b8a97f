import { readFile } from 'node:fs/promises';
import { isJsonObject } from '../common/index.js';

/** The text of a file, or the code of the failure, such as ENOENT: unlike its message it shows no path. */
export type TextOrCode =
  { readonly text: string; readonly code?: never } | { readonly text?: never; readonly code: string };

/** Reads a UTF-8 file. Never throws. */
export async function readText(path: string): Promise<TextOrCode> {
  try {
    return { text: await readFile(path, 'utf8') };
  } catch (error) {
    return { code: isJsonObject(error) && typeof error['code'] === 'string' ? error['code'] : 'unknown error' };
  }
}
