import { Int, Path, Text } from '../setting.decorators.js';

/** The store that several replicas share. */
export class RedisSettings {
  @Text({
    env: 'MCP_REDIS_URL',
    secret: true,
    format: 'redis-url',
    doc: 'Redis that replicas share: redis:, rediss:, or redis+sentinel://user:password@host:port,host:port/master/db. Unset, state is embedded and there is one replica.',
  })
  readonly url?: string;

  @Text({
    env: 'MCP_REDIS_KEY_PREFIX',
    default: 'gatehouse:',
    minLength: 1,
    maxLength: 64,
    doc: 'Starts every key and channel: services of one Redis have different ones.',
  })
  readonly keyPrefix!: string;

  @Path({
    env: 'MCP_REDIS_CA',
    doc: 'Certificate authority of a rediss: server, and of sentinels, PEM; unset, those of the system.',
  })
  readonly ca?: string;

  @Text({
    env: 'MCP_REDIS_SENTINEL_USER',
    doc: 'User at the sentinels, where they have users; that of MCP_REDIS_URL is of Redis itself.',
  })
  readonly sentinelUser?: string;

  @Text({
    env: 'MCP_REDIS_SENTINEL_PASSWORD',
    secret: true,
    doc: 'Password at the sentinels, where they want one; that of MCP_REDIS_URL is of Redis itself.',
  })
  readonly sentinelPassword?: string;

  @Int({
    env: 'MCP_REDIS_TIMEOUT_MS',
    default: 1_000,
    min: 50,
    max: 30_000,
    unit: 'ms',
    doc: 'How long one command may take before Redis counts as out of reach.',
  })
  readonly timeoutMs!: number;
}
