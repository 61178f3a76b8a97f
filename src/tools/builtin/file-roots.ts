import { realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { ToolSettings } from '../../config/index.js';

/**
 * The folders that tools may look into: those of the settings, or the start folder.
 * @returns absolute paths, at least one; the first is where relative paths and commands start
 */
export function fileRoots({ filesRoots }: Pick<ToolSettings, 'filesRoots'>): readonly [string, ...string[]] {
  const [first = '.', ...others] = filesRoots;
  return [resolve(first), ...others.map((root) => resolve(root))];
}

/** Where a path leads: callers are told the same of what is missing and of what lies elsewhere. */
export type Found =
  | { readonly path: string }
  /** Whether it leads out of the roots; else there is nothing, or nothing that the server may see. */
  | { readonly path: undefined; readonly isElsewhere: boolean };

/**
 * Finds what a path from outside leads to, after every symlink, if that lies within the roots (W-3).
 * @param roots as {@link fileRoots} gives them
 * @returns the real path, or that there is none
 */
export async function resolveWithin(roots: readonly [string, ...string[]], path: string): Promise<Found> {
  const wanted = resolve(roots[0], path);
  const realRoots = (await Promise.all(roots.map(realPath))).filter((root) => root !== undefined);
  // Not even looked up where it lies elsewhere as it is written: the time that a look takes would tell what exists.
  if (![...roots, ...realRoots].some((root) => contains(root, wanted))) return { path: undefined, isElsewhere: true };
  const real = await realPath(wanted);
  if (real === undefined) return { path: undefined, isElsewhere: false };
  return realRoots.some((root) => contains(root, real)) ? { path: real } : { path: undefined, isElsewhere: true };
}

/** Whatever keeps a path from being resolved, it leads nowhere for the caller: missing, a loop, no permission, a NUL. */
async function realPath(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined);
}

function contains(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
