import type { Redis, Result } from 'ioredis';

/** ARGV: the index or '', the key in it, the text, then the rest of SET. @returns 1 where it was written */
const PUT = `
local written = redis.call('SET', KEYS[1], ARGV[3], unpack(ARGV, 4))
if ARGV[1] ~= '' then redis.call('SADD', ARGV[1], ARGV[2]) end
return written and 1 or 0`;

/** ARGV: what the names of records begin with. Keys whose records are gone leave the index. */
const LIST = `
local rows = {}
for _, key in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  local name = ARGV[1] .. key
  local text = redis.call('GET', name)
  if text then rows[#rows + 1] = { key, text, redis.call('PEXPIRETIME', name) }
  else redis.call('SREM', KEYS[1], key) end
end
return rows`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    ghPut(
      name: string,
      index: string,
      key: string,
      json: string,
      ...terms: (string | number)[]
    ): Result<0 | 1, Context>;
    ghList(index: string, start: string): Result<[key: string, json: string, expiresAt: number][], Context>;
  }
}

/** Teaches a client the scripts: a record and its place in the index come together, whatever happens in between. */
export function defineRecordScripts(redis: Redis): void {
  redis.defineCommand('ghPut', { numberOfKeys: 1, lua: PUT });
  redis.defineCommand('ghList', { numberOfKeys: 1, lua: LIST });
}
