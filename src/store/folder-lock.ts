import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { type Clock, isJsonObject } from '../common/index.js';
import { createExclusive, openIfThere } from './files.js';
import { isRunning, ownIdentity, type ProcessIdentity } from './process-identity.js';

/** Pause between two signs of life. */
export const HEARTBEAT_MS = 5_000;
/** Age of the last sign of life after which a lock of another machine is stale. */
const FOREIGN_STALE_MS = 30_000;
// A lock file is made first and written next: one that stays empty for longer was left by a crash between the two.
const UNWRITTEN_STALE_MS = 2_000;
const RETRY_MS = 50;
const MAX_TRIES = 60;

/** What a holder says of itself. */
export interface HolderDetails {
  /** Name of the server. */
  readonly name: string;
  readonly port: number;
}

/** Who holds a folder, as it is written in the lock file. */
export interface Holder extends HolderDetails, ProcessIdentity {
  readonly host: string;
  /** When it took the folder, ISO 8601. */
  readonly since: string;
}

/** A lock that this process holds. */
export class HeldLock {
  constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  /**
   * Shows other machines that the holder lives.
   * @returns whether the lock is still ours: false when another took it over while we could not show signs of life
   */
  async beat(now: number): Promise<boolean> {
    const { nlink } = await this.handle.stat();
    if (nlink === 0) return false;
    await this.handle.utimes(now / 1_000, now / 1_000);
    return true;
  }

  /** Removes the lock file, when it is still ours. */
  async release(): Promise<void> {
    const { nlink } = await this.handle.stat();
    if (nlink > 0) await rm(this.path, { force: true });
    await this.handle.close();
  }
}

/**
 * Takes a lock file, over a stale one where need be.
 *
 * A stale lock may be removed only by who holds the right to, which is a lock of the same kind whose name has the
 * digest of the stale one: so of many that find it stale, one removes it, and no one removes the lock of who came next.
 * @returns the lock, or who holds it
 * @throws Error the folder cannot be read or written
 */
export async function takeLock(path: string, details: HolderDetails, clock: Clock): Promise<HeldLock | Holder> {
  const own = await ownIdentity();
  const since = new Date(clock.now()).toISOString();
  const holder: Holder = { host: hostname(), ...own, ...details, since };
  return new Attempt(holder, clock).take(path);
}

interface Sighting {
  readonly text: string;
  /** Undefined while it is being written, or when what is there is no lock. */
  readonly holder: Holder | undefined;
  /** Time since the last sign of life. */
  readonly ageMs: number;
}

class Attempt {
  private readonly text: string;

  constructor(
    private readonly own: Holder,
    private readonly clock: Clock,
  ) {
    // The nonce makes every lock another one, also two of the same holder.
    this.text = JSON.stringify({ ...own, nonce: randomUUID() });
  }

  async take(path: string): Promise<HeldLock | Holder> {
    for (let tries = 0; ; tries++) {
      const lock = await this.create(path);
      if (lock) return lock;
      const seen = await this.look(path);
      if (!seen) continue;
      if (await this.isStale(seen)) {
        await this.removeStale(path, seen);
      } else if (seen.holder || tries > MAX_TRIES) {
        return seen.holder ?? UNKNOWN_HOLDER;
      } else {
        await pause(RETRY_MS);
      }
    }
  }

  private async create(path: string): Promise<HeldLock | undefined> {
    const handle = await createExclusive(path);
    if (!handle) return undefined;
    await handle.writeFile(this.text);
    const lock = new HeldLock(path, handle);
    // Whoever was held up for long between the two steps above has lost its unwritten lock to another.
    if (await lock.beat(this.clock.now())) return lock;
    await lock.release();
    return undefined;
  }

  private async look(path: string): Promise<Sighting | undefined> {
    // One handle, so that text and age are of the same lock.
    const handle = await openIfThere(path);
    if (!handle) return undefined;
    try {
      const { mtimeMs } = await handle.stat();
      const text = await handle.readFile('utf8');
      return { text, holder: holderOf(text), ageMs: this.clock.now() - mtimeMs };
    } finally {
      await handle.close();
    }
  }

  private async isStale({ holder, ageMs }: Sighting): Promise<boolean> {
    if (!holder) return ageMs > UNWRITTEN_STALE_MS;
    return holder.host === this.own.host ? !(await isRunning(holder, this.own)) : ageMs > FOREIGN_STALE_MS;
  }

  private async removeStale(path: string, seen: Sighting): Promise<void> {
    const digest = createHash('sha256').update(seen.text).digest('hex').slice(0, 16);
    const right = await this.take(`${path}.${digest}`);
    if (!(right instanceof HeldLock)) return pause(RETRY_MS);
    try {
      const current = await this.look(path);
      if (current?.text === seen.text && (await this.isStale(current))) await rm(path, { force: true });
    } finally {
      await right.release();
    }
  }
}

const UNKNOWN_HOLDER: Holder = { pid: 0, startId: '', host: 'unknown', name: 'unknown', port: 0, since: 'unknown' };

function holderOf(text: string): Holder | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isJsonObject(value)) return undefined;
  const { pid, startId, host, name, port, since } = value;
  const isHolder =
    [pid, port].every((field) => typeof field === 'number') &&
    [startId, host, name, since].every((field) => typeof field === 'string');
  return isHolder ? (value as unknown as Holder) : undefined;
}
