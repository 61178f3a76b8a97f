import { type DurableRecord, DurableStore, type ListedNamespace } from '../../src/store/index.js';

/** A store that can be put out of reach. */
export class FailingStore extends DurableStore {
  isDown = false;
  puts: DurableRecord[] = [];

  constructor(private readonly inner: () => DurableStore) {
    super();
  }

  override async get(namespace: string, key: string): Promise<unknown> {
    return this.reach().get(namespace, key);
  }

  override async has(namespace: string, key: string): Promise<boolean> {
    return this.reach().has(namespace, key);
  }

  override async put(record: DurableRecord): Promise<void> {
    this.puts.push(record);
    return this.reach().put(record);
  }

  override async putIfAbsent(record: DurableRecord): Promise<boolean> {
    return this.reach().putIfAbsent(record);
  }

  override async delete(namespace: string, key: string): Promise<void> {
    return this.reach().delete(namespace, key);
  }

  /** Of any namespace: stores in memory list them all. */
  override async list(namespace: string): Promise<DurableRecord[]> {
    return this.inner().list(namespace as ListedNamespace);
  }

  private reach(): DurableStore {
    if (this.isDown) throw new Error('out of reach');
    return this.inner();
  }
}
