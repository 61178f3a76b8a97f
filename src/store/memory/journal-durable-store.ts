import type { Clock } from '../../common/index.js';
import { type DurableRecord, DurableStore } from '../durable-store.js';
import { JournalFile } from './journal-file.js';
import { deleteLine, putLine } from './journal-line.js';
import { RecordTable, stored } from './record-table.js';

/** What a journal store needs. */
export interface JournalStoreOptions {
  /** Path of the journal file; its folder exists and is held by this process. */
  readonly path: string;
  readonly clock: Clock;
  /** Called before each write. @throws Error this process must not write any more */
  readonly assertMine?: () => void;
}

/** Keeps records in memory and in a journal file. */
export class JournalDurableStore extends DurableStore {
  private constructor(
    private readonly table: RecordTable,
    private readonly journal: JournalFile,
    private readonly clock: Clock,
  ) {
    super();
  }

  /** @throws StartError the journal is damaged */
  static async open({ clock, ...options }: JournalStoreOptions): Promise<JournalDurableStore> {
    const table = new RecordTable();
    const journal = await JournalFile.open({ ...options, table, now: () => clock.now() });
    return new JournalDurableStore(table, journal, clock);
  }

  override async get(namespace: string, key: string): Promise<unknown> {
    return this.table.get(namespace, key, this.clock.now());
  }

  override async has(namespace: string, key: string): Promise<boolean> {
    return this.table.has(namespace, key, this.clock.now());
  }

  override async put(record: DurableRecord): Promise<void> {
    const { namespace, key } = record;
    const form = stored(record);
    this.table.put(namespace, key, form);
    return this.journal.append(putLine(namespace, key, form));
  }

  override async putIfAbsent(record: DurableRecord): Promise<boolean> {
    if (this.table.has(record.namespace, record.key, this.clock.now())) return false;
    await this.put(record);
    return true;
  }

  override async delete(namespace: string, key: string): Promise<void> {
    // Also without a record: the removal that took it from the table may not be durable yet.
    this.table.delete(namespace, key);
    return this.journal.append(deleteLine(namespace, key));
  }

  override async list(namespace: string): Promise<DurableRecord[]> {
    return this.table.list(namespace, this.clock.now());
  }

  /** Waits for pending writes, then closes the file. */
  close(): Promise<void> {
    return this.journal.close();
  }
}
