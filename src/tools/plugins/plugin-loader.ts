import { readdir, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, extname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BrokenPlugin, Plugin } from './plugin.js';
import { sortExports } from './plugin-exports.js';

const EXTENSIONS = new Set(['.js', '.mjs', '.cjs']);

/**
 * Imports plug-ins. One that is broken is left out and reported; the rest load (S4-28).
 * @param paths folders (each `.js`, `.mjs` and `.cjs` file in them, or the package that they are), files, or packages
 * @param cwd where relative paths and packages are looked up
 */
export async function loadPlugins(
  paths: readonly string[],
  cwd: string,
): Promise<{ readonly plugins: readonly Plugin[]; readonly broken: readonly BrokenPlugin[] }> {
  const plugins: Plugin[] = [];
  const broken: BrokenPlugin[] = [];
  for (const path of paths) {
    for (const file of await filesOf(path, cwd, broken)) {
      try {
        const { default: exported } = (await import(pathToFileURL(file).href)) as { default?: unknown };
        plugins.push(sortExports(file, exported));
      } catch (error) {
        broken.push({ source: file, reason: messageOf(error) });
      }
    }
  }
  return { plugins, broken };
}

/** The files that a path names, in a stable order; what it names in vain is reported. */
async function filesOf(path: string, cwd: string, broken: BrokenPlugin[]): Promise<readonly string[]> {
  const absolute = resolve(cwd, path);
  try {
    const found = await stat(absolute).catch(() => undefined);
    if (!found) return isAbsolute(path) || path.startsWith('.') ? notFound(path, broken) : [packageFile(path, cwd)];
    if (found.isFile()) return [absolute];
    const names = await readdir(absolute);
    if (names.includes('package.json')) return [packageFile(absolute, cwd)];
    return names
      .filter(isPluginFile)
      .sort()
      .map((name) => join(absolute, name));
  } catch (error) {
    broken.push({ source: path, reason: messageOf(error) });
    return [];
  }
}

function notFound(path: string, broken: BrokenPlugin[]): [] {
  broken.push({ source: path, reason: 'there is no such file or folder' });
  return [];
}

/** A file that a leading underscore or a `.spec`/`.test` does not set aside (S4-26). */
function isPluginFile(name: string): boolean {
  return (
    EXTENSIONS.has(extname(name)) && !name.startsWith('_') && !/\.(spec|test)$/.test(basename(name, extname(name)))
  );
}

/** @throws Error the package is not installed, or has no entry */
function packageFile(name: string, cwd: string): string {
  return createRequire(join(cwd, 'noop.js')).resolve(name);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
