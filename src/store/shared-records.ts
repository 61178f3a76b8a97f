import { Logger } from '@nestjs/common';
import type { Clock } from '../common/index.js';
import type { Bus } from './bus.js';
import type { DurableStore, ListedNamespace } from './durable-store.js';
import { SharedLook } from './shared-look.js';

/** How late a process may learn of what another one wrote, where word of it got lost (D-10). */
const REFRESH_MS = 5_000;

/** What records are made of, and who works with them. */
export interface SharedRecordsParts<Value> {
  readonly store: DurableStore;
  readonly bus: Bus;
  readonly clock: Clock;
  /** Where they are kept, and the channel on which a change of them is told of. */
  readonly namespace: ListedNamespace;
  /** @returns undefined for what is no such record */
  readonly read: (value: unknown) => Value | undefined;
  /** Takes over all that holds now, by key; must not throw. */
  readonly adopt: (records: ReadonlyMap<string, Value>) => void;
}

interface Unwritten<Value> {
  readonly value: Value;
  readonly expiresAt: number | undefined;
}

/**
 * Records that every replica has and any may change: read at the start, whenever one says that there is news, and every
 * 5 s. While the store is out of reach, what was known holds.
 */
export class SharedRecords<Value> {
  private readonly logger = new Logger(SharedRecords.name);
  private readonly look = new SharedLook(() => this.readAll());
  /** What holds here, and does not last yet. */
  private readonly unwritten = new Map<string, Unwritten<Value>>();
  private stopHearing: () => void = () => undefined;
  private changes = 0;
  private writing = 0;
  private readAt = 0;
  private isFailing = false;
  private isTelling = false;
  /** Whether what was read could not be used, as this process changed something meanwhile. */
  private isBehind = false;

  constructor(private readonly parts: SharedRecordsParts<Value>) {}

  /** @throws Error the store is out of reach */
  async open(): Promise<void> {
    const { bus, namespace, clock } = this.parts;
    await this.look.again();
    this.readAt = clock.monotonic();
    this.stopHearing = bus.subscribe(namespace, () => {
      // What this process did, it knows.
      if (!this.isTelling) void this.refresh();
    });
  }

  close(): void {
    this.stopHearing();
  }

  /** Reads again where it was long ago. */
  sweep(): void {
    if (this.parts.clock.monotonic() - this.readAt >= REFRESH_MS) void this.refresh();
  }

  async refresh(): Promise<void> {
    this.readAt = this.parts.clock.monotonic();
    try {
      await this.look.again();
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) this.logger.error(`${this.parts.namespace} cannot be read again: ${String(error)}`);
      this.isFailing = true;
    }
  }

  /** @param expiresAt ms since the epoch @throws Error nothing has changed, or it cannot be told */
  put(key: string, value: Value, expiresAt?: number): Promise<void> {
    return this.changing(key, () => this.write(key, { value, expiresAt }));
  }

  /**
   * Puts what holds here whether it can be written or not: that is tried again until it can.
   * @param expiresAt ms since the epoch
   * @throws Error it does not last yet
   */
  insist(key: string, value: Value, expiresAt?: number): Promise<void> {
    const unwritten = { value, expiresAt };
    this.unwritten.set(key, unwritten);
    return this.changing(key, () => this.write(key, unwritten));
  }

  /** @throws Error the record is still there, or it cannot be told */
  delete(key: string): Promise<void> {
    return this.changing(key, async () => {
      await this.parts.store.delete(this.parts.namespace, key);
      this.unwritten.delete(key);
    });
  }

  private async changing(key: string, write: () => Promise<void>): Promise<void> {
    this.changes += 1;
    this.writing += 1;
    try {
      await write();
    } finally {
      this.writing -= 1;
    }
    this.isTelling = true;
    this.parts.bus.publish(this.parts.namespace, key);
    this.isTelling = false;
    if (this.isBehind && this.writing === 0) void this.refresh();
  }

  private async write(key: string, { value, expiresAt }: Unwritten<Value>): Promise<void> {
    const { store, namespace } = this.parts;
    const before = this.unwritten.get(key);
    await store.put({ namespace, key, value, ...(expiresAt !== undefined && { expiresAt }) });
    if (this.unwritten.get(key) === before) this.unwritten.delete(key);
  }

  private async readAll(): Promise<void> {
    const { store, namespace, clock, read, adopt } = this.parts;
    for (const [key, unwritten] of [...this.unwritten]) {
      if ((unwritten.expiresAt ?? Infinity) <= clock.now()) this.unwritten.delete(key);
      else await this.changing(key, () => this.write(key, unwritten));
    }
    const { changes } = this;
    const found = await store.list(namespace);
    // What was read may be older than what this process has changed since: the next look shows both.
    this.isBehind = this.writing > 0 || this.changes !== changes;
    if (this.isBehind) return;
    const records = new Map<string, Value>();
    for (const { key, value } of found) {
      const record = read(value);
      if (record !== undefined) records.set(key, record);
    }
    for (const [key, { value }] of this.unwritten) records.set(key, value);
    adopt(records);
  }
}
