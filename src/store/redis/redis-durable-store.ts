import type { Clock } from '../../common/index.js';
import { type DurableRecord, DurableStore } from '../durable-store.js';
import type { RedisClient } from './redis-client.js';

const SCAN_COUNT = 500;

/** Records as texts with an expiry of their own: `<prefix>d:<namespace>:<key>`. */
export class RedisDurableStore extends DurableStore {
  constructor(
    private readonly client: RedisClient,
    private readonly prefix: string,
    private readonly clock: Clock,
  ) {
    super();
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

  override async list(namespace: string): Promise<DurableRecord[]> {
    const start = this.nameOf(namespace, '');
    const names = new Set<string>();
    let cursor = '0';
    do {
      const [next, found] = await this.client.run((redis) =>
        redis.scan(cursor, 'MATCH', `${escaped(start)}*`, 'COUNT', SCAN_COUNT),
      );
      for (const name of found) names.add(name);
      cursor = next;
    } while (cursor !== '0');
    const records = await Promise.all([...names].map((name) => this.read(namespace, name.slice(start.length))));
    return records.flatMap((record) => record ?? []);
  }

  private async read(namespace: string, key: string): Promise<DurableRecord | undefined> {
    const name = this.nameOf(namespace, key);
    const [json, expiresAt] = await this.client.run((redis) => Promise.all([redis.get(name), redis.pexpiretime(name)]));
    if (json === null) return undefined;
    const record = { namespace, key, value: JSON.parse(json) as unknown };
    return expiresAt > 0 ? { ...record, expiresAt } : record;
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
    const reply = await this.client.run((redis) => {
      if (leftMs === Infinity) return onlyIfAbsent ? redis.set(name, json, 'NX') : redis.set(name, json);
      return onlyIfAbsent ? redis.set(name, json, 'PX', leftMs, 'NX') : redis.set(name, json, 'PX', leftMs);
    });
    return reply !== null;
  }

  private nameOf(namespace: string, key: string): string {
    return `${this.prefix}d:${namespace}:${key}`;
  }
}

/** What a pattern of SCAN would read as its own. */
function escaped(text: string): string {
  return text.replace(/[*?[\]\\^-]/g, '\\$&');
}
