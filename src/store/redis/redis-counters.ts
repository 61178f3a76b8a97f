import {
  type BucketOutcome,
  type KeptPlaces,
  type PermitOutcome,
  type PermitRequest,
  type PlaceOutcome,
  SharedCounters,
  type SharedBucket,
  type SharedPlace,
  type SharedWindow,
  type WindowState,
} from '../shared-counters.js';
import { type BucketArgs, defineCounterScripts } from './counter-scripts.js';
import type { RedisClient } from './redis-client.js';

/** A script holds up everyone else for as long as it runs. */
const KEPT_AT_ONCE = 1_000;

/** Counts by scripts: `<prefix>w:` windows, `<prefix>t:` buckets, `<prefix>p:` places. */
export class RedisCounters extends SharedCounters {
  private grants = 0;

  constructor(
    private readonly client: RedisClient,
    private readonly prefix: string,
    private readonly replica: string,
  ) {
    super();
    defineCounterScripts(client.commands);
  }

  override async takePermits(
    { key, limit, windowMs }: SharedWindow,
    { permits, lifeMs, settles }: PermitRequest,
  ): Promise<PermitOutcome> {
    this.grants += 1;
    const nonce = `${this.replica}-${this.grants}`;
    const { grant = '', used: spent = 0, lastUsedAgoMs = 0 } = settles ?? {};
    const [granted, retryAfterMs, used] = await this.client.run((redis) =>
      redis.ghWindow(`${this.prefix}w:${key}`, limit, windowMs, permits, lifeMs, nonce, grant, spent, lastUsedAgoMs),
    );
    if (granted === 0) return { isAllowed: false, retryAfterMs, used };
    return { isAllowed: true, granted, grant: `${granted}:${nonce}`, used };
  }

  override async viewWindow({ key, limit, windowMs }: SharedWindow): Promise<WindowState> {
    const [, retryAfterMs, used] = await this.client.run((redis) =>
      redis.ghWindow(`${this.prefix}w:${key}`, limit, windowMs, 0, 0, '', '', 0, 0),
    );
    return { used, retryAfterMs };
  }

  override async takeRun(buckets: readonly SharedBucket[]): Promise<BucketOutcome> {
    const [refused, states] = await this.client.run((redis) => redis.ghBuckets(...this.bucketArgs(buckets, 1)));
    if (refused === 0) return { isAllowed: true };
    const refusedBy = refused - 1;
    return { isAllowed: false, retryAfterMs: states[refusedBy]?.[1] ?? 1, refusedBy };
  }

  override async viewBuckets(buckets: readonly SharedBucket[]): Promise<readonly WindowState[]> {
    const [, states] = await this.client.run((redis) => redis.ghBuckets(...this.bucketArgs(buckets, 0)));
    return states.map(([used, retryAfterMs]) => ({ used, retryAfterMs }));
  }

  override async hold({ set, member, max, holdMs }: SharedPlace): Promise<PlaceOutcome> {
    const [isHeld, oldest] = await this.client.run((redis) =>
      redis.ghHold(`${this.prefix}p:${set}`, member, max, holdMs),
    );
    return isHeld === 1 ? { isHeld: true } : { isHeld: false, oldest: oldest === '' ? undefined : oldest };
  }

  override async keep({ set, members, holdMs, isInUse }: KeptPlaces): Promise<void> {
    const ms = isInUse ? holdMs * 2 : holdMs;
    for (let start = 0; start < members.length; start += KEPT_AT_ONCE) {
      const some = members.slice(start, start + KEPT_AT_ONCE);
      await this.client.run((redis) => redis.ghKeep(`${this.prefix}p:${set}`, ms, ...some));
    }
  }

  override async release(set: string, member: string): Promise<void> {
    await this.client.run((redis) => redis.zrem(`${this.prefix}p:${set}`, member));
  }

  override heldIn(set: string): Promise<number> {
    return this.client.run((redis) => redis.ghHeld(`${this.prefix}p:${set}`));
  }

  private bucketArgs(buckets: readonly SharedBucket[], spends: 0 | 1): BucketArgs {
    const keys = buckets.map(({ key }) => `${this.prefix}t:${key}`);
    return [keys.length, ...keys, spends, ...buckets.map(({ perMinute }) => perMinute)];
  }
}
