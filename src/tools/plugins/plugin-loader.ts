import { readdir, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, extname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isJsonObject } from '../../common/index.js';
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
    if (!found)
      return isAbsolute(path) || path.startsWith('.') ? notFound(path, broken) : [await packageFile(path, cwd)];
    if (found.isFile()) return [absolute];
    const names = await readdir(absolute);
    if (names.includes('package.json')) return [await packageFile(absolute, cwd)];
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

/**
 * @param name of an installed package, or the path of its folder
 * @throws Error the package is not installed, or has no entry
 */
async function packageFile(name: string, cwd: string): Promise<string> {
  const require = createRequire(join(cwd, 'noop.js'));
  try {
    return require.resolve(name);
  } catch (error) {
    // What a package exports to `import` alone is not seen by `require`.
    const folders = isAbsolute(name) ? [name] : (require.resolve.paths(name) ?? []).map((base) => join(base, name));
    for (const folder of folders) {
      const entry = await exportOf(folder);
      if (entry !== undefined) return join(folder, entry);
    }
    throw error;
  }
}

/** @returns the file that `import` of a package takes, as its `exports` say */
async function exportOf(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined);
  const manifest: unknown = text === undefined ? undefined : JSON.parse(text);
  const exported = isJsonObject(manifest) ? manifest['exports'] : undefined;
  return fileFor(isJsonObject(exported) && '.' in exported ? exported['.'] : exported);
}

/** The first condition that holds decides. @see Node.js, "Packages", conditional exports */
function fileFor(target: unknown): string | undefined {
  if (typeof target === 'string') return target;
  if (!isJsonObject(target)) return undefined;
  const condition = Object.keys(target).find((key) => ['import', 'node', 'default'].includes(key));
  return condition === undefined ? undefined : fileFor(target[condition]);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
