/** One record under a namespace and a key. */
export interface DurableRecord {
  readonly namespace: string;
  readonly key: string;
  /** Any JSON value. */
  readonly value: unknown;
  /** When the record is gone, ms since the epoch; absent, it stays until it is deleted. */
  readonly expiresAt?: number;
}

/** Namespaces of few records, which can be listed: what every process has to know of. */
export const LISTED_NAMESPACES = [
  'address-block',
  'api-key-uses',
  'api-keys',
  'incidents',
  'revocations',
  'tool-states',
] as const;
export type ListedNamespace = (typeof LISTED_NAMESPACES)[number];

/**
 * What must outlast the process: tombstones, tool state.
 * A change is seen by this process at once, and promised only when its promise resolves. After a rejection the change
 * may or may not outlast the process; putting the same record again is always safe.
 */
export abstract class DurableStore {
  /** @returns the value, or undefined when there is no such record or it has expired */
  abstract get(namespace: string, key: string): Promise<unknown>;

  /** Whether a record exists and has not expired: cheaper than reading it. */
  abstract has(namespace: string, key: string): Promise<boolean>;

  /**
   * Writes a record over what was there; resolves when it is durable.
   * @throws Error the record could not be made durable
   */
  abstract put(record: DurableRecord): Promise<void>;

  /**
   * Writes a record where there is none: of many that try at once, on whatever replica, one does.
   * @returns whether it was written; resolves when that is durable
   * @throws Error the record could not be made durable
   */
  abstract putIfAbsent(record: DurableRecord): Promise<boolean>;

  /** Removes a record, which need not exist; resolves when the removal is durable. */
  abstract delete(namespace: string, key: string): Promise<void>;

  /** @returns the records of a namespace that have not expired, in no promised order */
  abstract list(namespace: ListedNamespace): Promise<DurableRecord[]>;
}
