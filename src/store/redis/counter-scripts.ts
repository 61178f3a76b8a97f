import type { Redis, Result } from 'ioredis';

// Time is that of Redis: the clocks of replicas differ.
const NOW = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)`;

/**
 * A sorted set of grants, `<permits>:<nonce>`, by the time from which they count for one window. ARGV: limit, window,
 * permits (0 only looks), life, nonce, grant to settle or '', what was used of it, ms since then.
 */
const WINDOW = `${NOW}
local limit, window, permits, life = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if ARGV[6] ~= '' then
  redis.call('ZREM', KEYS[1], ARGV[6])
  if tonumber(ARGV[7]) > 0 then
    redis.call('ZADD', KEYS[1], now - tonumber(ARGV[8]), ARGV[7] .. string.match(ARGV[6], ':.*$'))
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local used = 0
for _, grant in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do used = used + tonumber(string.match(grant, '^(%d+):')) end
local free = limit - used
if free <= 0 then
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
  return { 0, math.max(1, oldest[2] + window - now), used }
end
local granted = math.min(free, permits)
if granted > 0 then
  redis.call('ZADD', KEYS[1], now + life, granted .. ':' .. ARGV[5])
  redis.call('PEXPIRE', KEYS[1], life + window)
end
return { granted, 0, used + granted }`;

/**
 * What was spent, in whole thousandths of a run, and the rate under which it was: as the bucket of one process counts.
 * Above a lower rate it comes back as fast as the rate said under which it was taken. Forgotten once nothing is left of
 * it, a minute for each of both rates. ARGV: 1 spends, 0 looks; then runs a minute of each.
 */
const BUCKETS = `${NOW}
local run = 60000
local spent, states, refused = {}, {}, 0
for i, key in ipairs(KEYS) do
  local rate = tonumber(ARGV[i + 1])
  local bound = rate * run
  local kept = redis.call('HMGET', key, 'u', 'r', 'a')
  local used, taken = tonumber(kept[1]) or 0, tonumber(kept[2]) or rate
  local passed = math.max(0, now - (tonumber(kept[3]) or now))
  local above = math.max(0, used - bound)
  if passed * taken < above then
    used = used - passed * taken
  else
    used = math.max(0, used - above - (passed - above / taken) * rate)
    taken = rate
  end
  local wait = 0
  if used + run > bound then
    above = math.max(0, used - bound)
    wait = math.ceil(above / taken + (used - above + run - bound) / rate)
    if refused == 0 then refused = i end
  end
  spent[i] = used
  states[i] = { math.ceil(used / run), wait }
end
if refused == 0 and ARGV[1] == '1' then
  for i, key in ipairs(KEYS) do
    redis.call('HSET', key, 'u', spent[i] + run, 'r', ARGV[i + 1], 'a', now)
    redis.call('PEXPIRE', key, 120000)
  end
end
return { refused, states }`;

/** By the end of the hold. ARGV: member, most members, ms. @returns 1, or 0 and the oldest that is not in use */
const HOLD = `${NOW}
local hold = tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
  local oldest = redis.call('ZRANGE', KEYS[1], '-inf', '(' .. (now + hold + 1), 'BYSCORE', 'LIMIT', 0, 1)
  return { 0, oldest[1] or '' }
end
redis.call('ZADD', KEYS[1], now + hold, ARGV[1])
redis.call('PEXPIRE', KEYS[1], hold * 2)
return { 1, '' }`;

/** ARGV: ms, members. */
const KEEP = `${NOW}
local hold = tonumber(ARGV[1])
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + hold, ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], hold)
return 1`;

const HELD = `${NOW}
return redis.call('ZCOUNT', KEYS[1], '(' .. now, '+inf')`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    ghWindow(...args: WindowArgs): Result<[granted: number, retryAfterMs: number, used: number], Context>;
    ghBuckets(...args: BucketArgs): Result<[refusedBy: number, states: [used: number, waitMs: number][]], Context>;
    ghHold(key: string, member: string, max: number, holdMs: number): Result<[0 | 1, string], Context>;
    ghKeep(key: string, holdMs: number, ...members: string[]): Result<number, Context>;
    ghHeld(key: string): Result<number, Context>;
  }
}

/** Key, limit, window, permits, life, nonce, grant to settle, used of it, ms since. */
export type WindowArgs = readonly [string, number, number, number, number, string, string, number, number];
/** Number of keys, keys, whether to spend, runs a minute. */
export type BucketArgs = readonly [number, ...(string | number)[]];

/** Teaches a client the scripts, each of which is one step for everyone. */
export function defineCounterScripts(redis: Redis): void {
  redis.defineCommand('ghWindow', { numberOfKeys: 1, lua: WINDOW });
  redis.defineCommand('ghBuckets', { lua: BUCKETS });
  redis.defineCommand('ghHold', { numberOfKeys: 1, lua: HOLD });
  redis.defineCommand('ghKeep', { numberOfKeys: 1, lua: KEEP });
  redis.defineCommand('ghHeld', { numberOfKeys: 1, lua: HELD });
}
