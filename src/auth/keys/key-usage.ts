import { Logger } from '@nestjs/common';
import { type Clock, isJsonObject } from '../../common/index.js';
import type { DurableStore } from '../../store/index.js';

const NAMESPACE = 'api-key-uses';
/** Least pause between two writes about one key. */
const WRITE_INTERVAL_MS = 60_000;

/** When each key was used last. Kept apart from the keys, so that no write about a use can undo a change of a key. */
export class KeyUsage {
  private readonly logger = new Logger(KeyUsage.name);
  private readonly usedAt = new Map<string, number>();
  private readonly writtenAt = new Map<string, number>();
  private isFailing = false;

  private constructor(
    private readonly store: DurableStore,
    private readonly clock: Clock,
  ) {}

  static async load(store: DurableStore, clock: Clock): Promise<KeyUsage> {
    const usage = new KeyUsage(store, clock);
    for (const { key, value } of await store.list(NAMESPACE)) {
      if (isJsonObject(value) && typeof value['at'] === 'number') usage.usedAt.set(key, value['at']);
    }
    return usage;
  }

  /** Notes a use, now. */
  note(id: string): void {
    this.usedAt.set(id, this.clock.now());
  }

  /** @returns ms since the epoch; undefined where it was never used */
  lastUsedAt(id: string): number | undefined {
    return this.usedAt.get(id);
  }

  async forget(id: string): Promise<void> {
    this.usedAt.delete(id);
    this.writtenAt.delete(id);
    await this.store.delete(NAMESPACE, id);
  }

  /** Writes what is new, at most every 60 s about one key. */
  async write(): Promise<void> {
    const now = this.clock.now();
    const due = [...this.usedAt].filter(([id, at]) => {
      const written = this.writtenAt.get(id);
      return written === undefined ? at >= now - WRITE_INTERVAL_MS : at > written && now - written >= WRITE_INTERVAL_MS;
    });
    for (const [id] of due) this.writtenAt.set(id, now);
    try {
      await Promise.all(due.map(([key, at]) => this.store.put({ namespace: NAMESPACE, key, value: { at } })));
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) this.logger.warn(`The last use of API keys cannot be written: ${String(error)}`);
      this.isFailing = true;
    }
  }
}
