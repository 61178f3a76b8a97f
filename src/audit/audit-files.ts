import { readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** The files of a log, oldest first: the rotated ones, then the current one. @param path of the current one */
export function filesOf(path: string): readonly string[] {
  const [folder, name] = [dirname(path), basename(path)];
  const numbers = readdirSync(folder).flatMap((entry) => {
    const suffix = entry.startsWith(`${name}.`) ? entry.slice(name.length + 1) : '';
    return /^[1-9]\d{0,4}$/.test(suffix) ? [Number(suffix)] : [];
  });
  const rotated = numbers.sort((a, b) => b - a).map((n) => join(folder, `${name}.${n}`));
  return readdirSync(folder).includes(name) ? [...rotated, path] : rotated;
}

/** Makes the current file the newest of `count` rotated ones; the oldest is deleted. */
export function rotateFiles(path: string, count: number): void {
  if (count === 0) {
    rmSync(path);
    return;
  }
  for (let n = count; n >= 1; n--) moveIfThere(n === 1 ? path : `${path}.${n - 1}`, `${path}.${n}`);
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
