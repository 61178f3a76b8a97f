import type { DurableStore } from '../store/index.js';

const NAMESPACE = 'tombstone';

/**
 * Which sessions were ended before their ids expire. A tombstone holds in this process from the moment it is asked
 * for, whatever the store does.
 */
export class Tombstones {
  // Key of the session, and when its id expires: asked for, and not durable yet.
  private readonly pending = new Map<string, number>();
  private readonly writes = new Map<string, Promise<void>>();

  constructor(private readonly store: DurableStore) {}

  /** Whether one was asked for, and is not durable yet. */
  isPending(key: string): boolean {
    return this.pending.has(key);
  }

  /** Whether one is durable. */
  isDurable(key: string): Promise<boolean> {
    return this.store.has(NAMESPACE, key);
  }

  /**
   * @param expiresAt when the id would have expired, ms since the epoch
   * @returns when the tombstone is durable; a failed one is tried again by {@link retry}
   * @throws Error the store could not make it durable
   */
  put(key: string, expiresAt: number): Promise<void> {
    const running = this.writes.get(key);
    if (running) return running;
    this.pending.set(key, expiresAt);
    const write = this.store
      .put({ namespace: NAMESPACE, key, value: true, expiresAt })
      .then(() => void this.pending.delete(key))
      .finally(() => this.writes.delete(key));
    this.writes.set(key, write);
    return write;
  }

  /** Tries again what failed, and forgets what has expired meanwhile. @returns the keys of those that are durable now */
  async retry(now: number): Promise<string[]> {
    const failed = [...this.pending].filter(([key]) => !this.writes.has(key));
    for (const [key, expiresAt] of failed) if (expiresAt <= now) this.pending.delete(key);
    const due = failed.filter(([, expiresAt]) => expiresAt > now);
    const outcomes = await Promise.allSettled(due.map((entry) => this.put(...entry)));
    return due.flatMap(([key], at) => (outcomes[at]?.status === 'fulfilled' ? [key] : []));
  }
}
