import type { OnApplicationShutdown } from '@nestjs/common';
import type { Clock } from '../../common/index.js';
import type { RedisSettings } from '../../config/index.js';
import type { Replica } from '../replica.js';
import { SessionKeys } from '../session-keys.js';
import { StoreBackend } from '../store-backend.js';
import { RedisBus } from './redis-bus.js';
import { RedisClient } from './redis-client.js';
import { RedisCounters } from './redis-counters.js';
import { RedisDurableStore } from './redis-durable-store.js';
import { RedisEventLog } from './redis-event-log.js';

/** What is needed to open the stores in Redis. */
export interface RedisStateOptions {
  readonly settings: RedisSettings;
  /** Value of `MCP_SESSION_KEYS`. */
  readonly keys: string;
  readonly replica: Replica;
  readonly clock: Clock;
}

/** The state that replicas share. */
export class RedisState extends StoreBackend implements OnApplicationShutdown {
  override readonly durable: RedisDurableStore;
  override readonly bus: RedisBus;
  override readonly events: RedisEventLog;
  override readonly counters: RedisCounters;
  override readonly path = undefined;

  private constructor(
    override readonly health: RedisClient,
    override readonly keys: SessionKeys,
    { settings: { keyPrefix }, replica, clock }: RedisStateOptions,
  ) {
    super();
    this.durable = new RedisDurableStore(health, keyPrefix, clock);
    this.bus = new RedisBus(health, keyPrefix, replica.id);
    this.events = new RedisEventLog(health, keyPrefix);
    this.counters = new RedisCounters(health, keyPrefix, replica.id);
  }

  /** @throws StartError the keys are malformed, or the CA file cannot be read */
  static async open(options: RedisStateOptions): Promise<RedisState> {
    const keys = SessionKeys.fromSetting(options.keys);
    return new RedisState(await RedisClient.open(options.settings), keys, options);
  }

  override async close(): Promise<void> {
    this.health.close();
  }

  onApplicationShutdown(): Promise<void> {
    return this.close();
  }
}
