import { readFile } from 'node:fs/promises';
import { codeOf } from './files.js';

/** What tells a process from another that got the same pid later. */
export interface ProcessIdentity {
  readonly pid: number;
  /**
   * When the process started, as the system counts: boot id and clock ticks on Linux. Elsewhere it is only known of
   * this process, so that others are told apart by their pid alone.
   */
  readonly startId: string;
}

/** The identity of this process. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  const stat = await readStat(process.pid);
  return { pid: process.pid, startId: stat?.startId ?? `origin:${Math.round(performance.timeOrigin)}` };
}

/**
 * Whether a process that was seen on this machine is still there. A zombie is not: it holds nothing any more.
 * @param seen the identity that it wrote down
 * @param own the identity of this process
 */
export async function isRunning(seen: ProcessIdentity, own: ProcessIdentity): Promise<boolean> {
  if (seen.pid === own.pid) return seen.startId === own.startId;
  if (!hasPid(seen.pid)) return false;
  const stat = await readStat(seen.pid);
  if (!stat || !seen.startId.includes('/')) return true;
  return !stat.isZombie && stat.startId === seen.startId;
}

function hasPid(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and belongs to another user.
    return codeOf(error) === 'EPERM';
  }
}

interface Stat {
  readonly startId: string;
  readonly isZombie: boolean;
}

/** @returns undefined where the system has no such file, or hides it */
async function readStat(pid: number): Promise<Stat | undefined> {
  if (process.platform !== 'linux') return undefined;
  const [stat, bootId] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined),
    readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => ''),
  ]);
  if (stat === undefined) return undefined;
  // The name in the second field may hold blanks and brackets: the third field follows the last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { isZombie: fields[0] === 'Z', startId: `${bootId.trim()}/${fields[19] ?? ''}` };
}
