import type { Result } from 'ioredis';
import {
  type CounterOutcome,
  SharedCounters,
  type SharedBucket,
  type SharedPlace,
  type SharedWindow,
} from '../shared-counters.js';
import type { RedisClient } from './redis-client.js';

// Time is that of Redis: the clocks of replicas differ. A sorted set of grants, scored by when they were given.
const WINDOW = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local limit, window, permits = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local used = 0
for _, grant in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do used = used + tonumber(string.match(grant, '^(%d+):')) end
local free = limit - used
if free <= 0 then
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  return { 0, math.max(1, oldest[2] + window - now) }
end
local granted = math.min(free, permits)
redis.call('ZADD', KEYS[1], now, granted .. ':' .. ARGV[4])
redis.call('PEXPIRE', KEYS[1], window)
return { granted, 0 }`;

// Whole thousandths of a run, as the bucket of one process counts.
const BUCKET = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local rate, run = tonumber(ARGV[1]), 60000
local full = rate * run
local kept = redis.call('HMGET', KEYS[1], 's', 'a')
local saved = math.min(full, (tonumber(kept[1]) or full) + math.max(0, now - (tonumber(kept[2]) or now)) * rate)
local allowed = saved >= run
if allowed then saved = saved - run end
redis.call('HSET', KEYS[1], 's', saved, 'a', now)
redis.call('PEXPIRE', KEYS[1], 60000)
if allowed then return { 1, 0 } end
return { 0, math.ceil((run - saved) / rate) }`;

const HOLD = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[3]))
return 1`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    ghWindow(
      key: string,
      limit: number,
      windowMs: number,
      permits: number,
      nonce: string,
    ): Result<[number, number], Context>;
    ghBucket(key: string, perMinute: number): Result<[number, number], Context>;
    ghHold(key: string, member: string, max: number, holdMs: number): Result<number, Context>;
  }
}

/** Counts by scripts, each one step for everyone: `<prefix>w:`, `<prefix>t:`, `<prefix>p:`. */
export class RedisCounters extends SharedCounters {
  private grants = 0;

  constructor(
    private readonly client: RedisClient,
    private readonly prefix: string,
    private readonly replica: string,
  ) {
    super();
    const { commands } = client;
    commands.defineCommand('ghWindow', { numberOfKeys: 1, lua: WINDOW });
    commands.defineCommand('ghBucket', { numberOfKeys: 1, lua: BUCKET });
    commands.defineCommand('ghHold', { numberOfKeys: 1, lua: HOLD });
  }

  override async takeFromWindow({ key, limit, windowMs, permits }: SharedWindow): Promise<CounterOutcome> {
    this.grants += 1;
    const nonce = `${this.replica}-${this.grants}`;
    const reply = await this.client.run((redis) =>
      redis.ghWindow(`${this.prefix}w:${key}`, limit, windowMs, permits, nonce),
    );
    return outcomeOf(reply);
  }

  override async takeFromBucket({ key, perMinute }: SharedBucket): Promise<CounterOutcome> {
    return outcomeOf(await this.client.run((redis) => redis.ghBucket(`${this.prefix}t:${key}`, perMinute)));
  }

  override async hold({ set, member, max, holdMs }: SharedPlace): Promise<boolean> {
    return (await this.client.run((redis) => redis.ghHold(`${this.prefix}p:${set}`, member, max, holdMs))) === 1;
  }

  override async release(set: string, member: string): Promise<void> {
    await this.client.run((redis) => redis.zrem(`${this.prefix}p:${set}`, member));
  }
}

function outcomeOf([granted, retryAfterMs]: readonly [number, number]): CounterOutcome {
  return granted > 0 ? { isAllowed: true, granted } : { isAllowed: false, retryAfterMs };
}
