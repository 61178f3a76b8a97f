import { readdir, readFile } from 'node:fs/promises';

/** What a process holds. */
export interface Vitals {
  readonly descriptors: number;
  readonly residentMiB: number;
}

/** Reads it of any process of this user, as the system tells it. */
export async function vitalsOf(pid: number): Promise<Vitals> {
  const [descriptors, status] = await Promise.all([
    readdir(`/proc/${pid}/fd`),
    readFile(`/proc/${pid}/status`, 'utf8'),
  ]);
  const [, kib] = /VmRSS:\s+(\d+)/.exec(status) ?? [];
  return { descriptors: descriptors.length, residentMiB: Math.round(Number(kib) / 1024) };
}
