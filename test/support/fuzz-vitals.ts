import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './places.js';
import { until } from './waiting.js';

const MIB = 1024 * 1024;

/** What a process takes up. */
export interface Vitals {
  /** In use after garbage was collected. */
  readonly heapMiB: number;
  /** Resident, with all that the allocators keep for later. */
  readonly rssMiB: number;
  /** Open files, sockets and pipes. */
  readonly descriptors: number;
}

/** Environment of a program that can be asked for its vitals. @param file where it writes, one per program */
export function vitalsEnv(file: string): Readonly<Record<string, string>> {
  const probe = pathToFileURL(join(ROOT, 'test', 'bench', 'heap-probe.mjs')).href;
  return { NODE_OPTIONS: `--expose-gc --import ${probe}`, HEAP_PROBE_FILE: file };
}

/** @param file as given to {@link vitalsEnv} */
export async function vitalsOf(pid: number, file: string): Promise<Vitals> {
  await rm(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  const told = await until(async () => (await readFile(file, 'utf8').catch(() => '')) || undefined, 'the heap probe');
  const { heapUsed } = JSON.parse(told) as { heapUsed: number };
  const [, rssKiB] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return {
    heapMiB: heapUsed / MIB,
    rssMiB: Number(rssKiB) / 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}
