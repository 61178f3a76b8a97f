import type { DurableRecord } from '../durable-store.js';

/** A record as it is kept: its value as JSON text, so that nobody can change it from outside. */
export interface StoredRecord {
  readonly json: string;
  /** ms since the epoch, or Infinity. */
  readonly expiresAt: number;
}

/** All records of an embedded store. Expired ones are not seen; they are dropped by `purge`. */
export class RecordTable {
  private readonly namespaces = new Map<string, Map<string, StoredRecord>>();

  get(namespace: string, key: string, now: number): unknown {
    const record = this.find(namespace, key, now);
    return record === undefined ? undefined : JSON.parse(record.json);
  }

  has(namespace: string, key: string, now: number): boolean {
    return this.find(namespace, key, now) !== undefined;
  }

  put(namespace: string, key: string, record: StoredRecord): void {
    const records = this.namespaces.get(namespace);
    if (records) records.set(key, record);
    else this.namespaces.set(namespace, new Map([[key, record]]));
  }

  /** @returns whether there was such a record, expired or not */
  delete(namespace: string, key: string): boolean {
    const records = this.namespaces.get(namespace);
    if (!records?.delete(key)) return false;
    if (records.size === 0) this.namespaces.delete(namespace);
    return true;
  }

  list(namespace: string, now: number): DurableRecord[] {
    const found: DurableRecord[] = [];
    for (const [key, { json, expiresAt }] of this.namespaces.get(namespace) ?? []) {
      if (expiresAt <= now) continue;
      const record = { namespace, key, value: JSON.parse(json) as unknown };
      found.push(expiresAt === Infinity ? record : { ...record, expiresAt });
    }
    return found;
  }

  /** Drops what has expired. */
  purge(now: number): void {
    for (const [namespace, records] of this.namespaces) {
      for (const [key, { expiresAt }] of records) if (expiresAt <= now) this.delete(namespace, key);
    }
  }

  /** Every record, expired or not. Records that change meanwhile are yielded as they are when their turn comes. */
  *entries(): Generator<[namespace: string, key: string, record: StoredRecord]> {
    for (const [namespace, records] of this.namespaces) {
      for (const [key, record] of records) yield [namespace, key, record];
    }
  }

  /** Records, expired or not. */
  get size(): number {
    let size = 0;
    for (const records of this.namespaces.values()) size += records.size;
    return size;
  }

  private find(namespace: string, key: string, now: number): StoredRecord | undefined {
    const record = this.namespaces.get(namespace)?.get(key);
    return record !== undefined && record.expiresAt > now ? record : undefined;
  }
}

/**
 * The stored form of a record.
 * @throws TypeError the value is not JSON
 */
export function stored(record: DurableRecord): StoredRecord {
  const json = JSON.stringify(record.value) as string | undefined;
  if (json === undefined) throw new TypeError(`The value of ${record.namespace}/${record.key} is not JSON`);
  return { json, expiresAt: record.expiresAt ?? Infinity };
}
