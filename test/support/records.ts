import type { DurableRecord, DurableStore, ListedNamespace } from '../../src/store/index.js';

/** What a store in memory holds of any namespace, be it one that servers list or not. */
export function recordsIn(store: DurableStore, namespace: string): Promise<DurableRecord[]> {
  return store.list(namespace as ListedNamespace);
}
