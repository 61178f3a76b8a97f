// What a server holds: asked of it after garbage was collected.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wait } from './target.mjs';

const KIB = 1024;

/** Lets a server be asked. @returns what it has to be started with, and how it is asked */
export function memoryProbe() {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-heap-'));
  const file = join(folder, 'heap');
  return {
    nodeArgs: ['--expose-gc', '--import', join(import.meta.dirname, 'heap-probe.mjs')],
    env: { HEAP_PROBE_FILE: file },
    /** @returns KiB in use: objects, and what they hold outside the heap */
    async ask(child) {
      rmSync(file, { force: true });
      child.kill('SIGUSR2');
      while (!existsSync(file) || readFileSync(file, 'utf8') === '') await wait(20);
      const { heapUsed, external } = JSON.parse(readFileSync(file, 'utf8'));
      return (heapUsed + external) / KIB;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
