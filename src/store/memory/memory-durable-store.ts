import type { Clock } from '../../common/index.js';
import { type DurableRecord, DurableStore } from '../durable-store.js';
import { RecordTable, stored } from './record-table.js';

const PURGE_AFTER_PUTS = 1_000;

/** Keeps records as long as the process lives: for processes that write no state, as those on stdio alone (D-9). */
export class MemoryDurableStore extends DurableStore {
  private readonly table = new RecordTable();
  private putsUntilPurge = PURGE_AFTER_PUTS;

  constructor(private readonly clock: Clock) {
    super();
  }

  override async get(namespace: string, key: string): Promise<unknown> {
    return this.table.get(namespace, key, this.clock.now());
  }

  override async has(namespace: string, key: string): Promise<boolean> {
    return this.table.has(namespace, key, this.clock.now());
  }

  override async put(record: DurableRecord): Promise<void> {
    this.table.put(record.namespace, record.key, stored(record));
    if (--this.putsUntilPurge > 0) return;
    this.table.purge(this.clock.now());
    this.putsUntilPurge = Math.max(PURGE_AFTER_PUTS, this.table.size);
  }

  override async putIfAbsent(record: DurableRecord): Promise<boolean> {
    if (this.table.has(record.namespace, record.key, this.clock.now())) return false;
    await this.put(record);
    return true;
  }

  override async delete(namespace: string, key: string): Promise<void> {
    this.table.delete(namespace, key);
  }

  override async list(namespace: string): Promise<DurableRecord[]> {
    return this.table.list(namespace, this.clock.now());
  }
}
