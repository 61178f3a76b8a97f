import type { Clock } from '../../common/index.js';
import { type DurableRecord, DurableStore, LISTED_NAMESPACES, type ListedNamespace } from '../durable-store.js';
import { defineRecordScripts } from './record-scripts.js';
import type { RedisClient } from './redis-client.js';

/**
 * Records as texts with an expiry of their own: `<prefix>d:<namespace>:<key>`; the keys of namespaces that are listed are
 * in `<prefix>i:<namespace>`, so that listing looks at no other key.
 */
export class RedisDurableStore extends DurableStore {
  constructor(
    private readonly client: RedisClient,
    private readonly prefix: string,
    private readonly clock: Clock,
  ) {
    super();
    defineRecordScripts(client.commands);
  }

  override async get(namespace: string, key: string): Promise<unknown> {
    const json = await this.client.run((redis) => redis.get(this.nameOf(namespace, key)));
    return json === null ? undefined : (JSON.parse(json) as unknown);
  }

  override async has(namespace: string, key: string): Promise<boolean> {
    return (await this.client.run((redis) => redis.exists(this.nameOf(namespace, key)))) > 0;
  }

  override async put(record: DurableRecord): Promise<void> {
    await this.write(record, false);
  }

  override putIfAbsent(record: DurableRecord): Promise<boolean> {
    return this.write(record, true);
  }

  override async delete(namespace: string, key: string): Promise<void> {
    await this.client.run((redis) => redis.unlink(this.nameOf(namespace, key)));
  }

  override async list(namespace: ListedNamespace): Promise<DurableRecord[]> {
    const rows = await this.client.run((redis) => redis.ghList(this.indexOf(namespace), this.nameOf(namespace, '')));
    return rows.map(([key, json, expiresAt]) => {
      const record = { namespace, key, value: JSON.parse(json) as unknown };
      return expiresAt > 0 ? { ...record, expiresAt } : record;
    });
  }

  /** @returns whether it was written */
  private async write(record: DurableRecord, onlyIfAbsent: boolean): Promise<boolean> {
    const { namespace, key, value, expiresAt = Infinity } = record;
    const json = JSON.stringify(value) as string | undefined;
    if (json === undefined) throw new TypeError(`The value of ${namespace}/${key} is not JSON`);
    const name = this.nameOf(namespace, key);
    // Time left, not a time: the clocks of replicas and of Redis differ.
    const leftMs = Math.ceil(expiresAt - this.clock.now());
    if (leftMs <= 0) return false;
    const terms = [...(leftMs === Infinity ? [] : ['PX', leftMs]), ...(onlyIfAbsent ? ['NX'] : [])];
    const index = isListed(namespace) ? this.indexOf(namespace) : '';
    return (await this.client.run((redis) => redis.ghPut(name, index, key, json, ...terms))) === 1;
  }

  private indexOf(namespace: ListedNamespace): string {
    return `${this.prefix}i:${namespace}`;
  }

  private nameOf(namespace: string, key: string): string {
    return `${this.prefix}d:${namespace}:${key}`;
  }
}

function isListed(namespace: string): namespace is ListedNamespace {
  return (LISTED_NAMESPACES as readonly string[]).includes(namespace);
}
