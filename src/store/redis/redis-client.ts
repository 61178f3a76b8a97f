import { readFileSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import { Redis, type RedisOptions } from 'ioredis';
import { EXIT, ProtocolError, StartError } from '../../common/index.js';
import { parseRedisUrl, type RedisAddress, type RedisSettings } from '../../config/index.js';
import { codeOf } from '../files.js';
import { StoreHealth, type StoreState } from '../store-health.js';

type Options = Omit<RedisOptions, 'replyMapping'>;

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2_000;
const START_WAIT_MS = 5_000;
/** A connection that is quiet for so long is asked whether its other end is still there. */
const KEEP_ALIVE_MS = 10_000;

/** What is on the wire to Redis: a connection for commands, and one that only listens. */
export class RedisClient extends StoreHealth {
  private readonly logger = new Logger('Redis');
  private readonly listeners = new Set<(state: StoreState) => void>();
  readonly commands: Redis;
  readonly subscriber: Redis;
  private isUp = false;
  private isClosed = false;
  private hasFailed = false;
  /** What went wrong last, without secrets. */
  private lastFailure = 'no answer';

  private constructor(options: Options) {
    super();
    this.commands = new Redis({ ...options, enableAutoPipelining: true });
    // A connection that listens has no commands to wait for, and takes up its channels again by itself.
    this.subscriber = new Redis({ ...options, enableOfflineQueue: true });
    for (const client of [this.commands, this.subscriber]) client.on('error', (error) => this.complain(error));
    this.commands.on('ready', () => this.became(true));
    this.commands.on('close', () => this.became(false));
  }

  /**
   * Connects. Who was revoked, blocked or switched off is known from Redis alone: without it nothing starts.
   * @throws StartError Redis is out of reach, or the CA file cannot be read
   */
  static async open(settings: RedisSettings): Promise<RedisClient> {
    const client = new RedisClient(optionsOf(settings));
    const isReady = await client.becomesReady();
    if (!isReady) {
      client.close();
      throw new StartError(
        `MCP_REDIS_URL: Redis was out of reach for ${START_WAIT_MS / 1_000} s (${client.lastFailure}). Without it nobody knows who was revoked, ` +
          'blocked or switched off: start again when it is there, or leave the setting out for a server that is alone.',
      );
    }
    await client.warnOfLoss();
    return client;
  }

  override get state(): StoreState {
    return this.isUp ? 'up' : 'down';
  }

  override get wasAwayAtStart(): boolean {
    return this.hasFailed;
  }

  override onChange(listener: (state: StoreState) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Resolves when commands can be run. */
  async whenUp(): Promise<void> {
    if (this.isUp) return;
    await new Promise<void>((resolve) => {
      const stop = this.onChange((state) => {
        if (state !== 'up') return;
        stop();
        resolve();
      });
    });
  }

  /**
   * Runs commands.
   * @throws ProtocolError store_unavailable
   */
  async run<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      return await work(this.commands);
    } catch (error) {
      throw new ProtocolError('store_unavailable', 'The store is out of reach: try again', { cause: error });
    }
  }

  close(): void {
    this.isClosed = true;
    this.commands.disconnect();
    this.subscriber.disconnect();
  }

  private becomesReady(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), START_WAIT_MS);
      this.commands.once('ready', () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  private became(isUp: boolean): void {
    if (this.isUp === isUp || this.isClosed) return;
    this.isUp = isUp;
    if (isUp) this.logger.log('Redis is there');
    else this.logger.warn('Redis is out of reach: see docs/scaling.md for what goes on without it');
    for (const listener of this.listeners) listener(this.state);
  }

  /** Each failed try to connect is an error: one line tells of all. */
  private complain(error: Error): void {
    this.hasFailed = true;
    this.lastFailure = codeOf(error).replace(/[.\s]+$/, '');
    this.logger.debug(`Redis: ${this.lastFailure}`);
  }

  /** What Redis may drop, or lose with its process, operators should know (D-23). */
  private async warnOfLoss(): Promise<void> {
    if (!this.isUp) return;
    try {
      const policy = await configOf(this.commands, 'maxmemory-policy');
      const appends = await configOf(this.commands, 'appendonly');
      if (policy !== undefined && policy !== 'noeviction')
        this.logger.warn(`Redis may drop keys when it is full (maxmemory-policy ${policy}): set noeviction`);
      if (appends === 'no')
        this.logger.warn('Redis keeps nothing over a restart (appendonly no): keys and tool state would be lost');
    } catch (error) {
      this.logger.debug(`Redis does not tell its settings: ${codeOf(error)}`);
    }
  }
}

async function configOf(redis: Redis, name: string): Promise<string | undefined> {
  const reply = (await redis.config('GET', name)) as unknown;
  return Array.isArray(reply) ? String(reply[1]) : undefined;
}

function optionsOf(settings: RedisSettings): Options {
  const { url, ca, timeoutMs } = settings;
  const address = parseRedisUrl(url as string) as RedisAddress;
  const { username, password, db, isTls, hosts, master } = address;
  const [first] = hosts as [RedisAddress['hosts'][number]];
  const tls = ca === undefined ? {} : { ca: readCa(ca) };
  return {
    ...(master === undefined ? { ...first } : sentinelOptionsOf(settings, address, tls)),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    db,
    ...(isTls && { tls }),
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // One that hangs is left, for the one that sentinels name or that answers the next time.
    socketTimeout: 2 * timeoutMs,
    keepAlive: KEEP_ALIVE_MS,
    // A command fails at once while Redis is away: nothing piles up, and nothing is done twice.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // A master that became a replica has to be left, even where it does not close the connection.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
    retryStrategy: retryDelayMs,
  };
}

/** Sentinels are asked who is master, at each connection, and tell of a new one. */
function sentinelOptionsOf(
  { sentinelUser, sentinelPassword, timeoutMs }: RedisSettings,
  { hosts, master, isTls }: RedisAddress,
  tls: NonNullable<Options['tls']>,
): Options {
  return {
    sentinels: [...hosts],
    name: master,
    failoverDetector: true,
    sentinelCommandTimeout: timeoutMs,
    sentinelRetryStrategy: retryDelayMs,
    ...(sentinelUser !== undefined && { sentinelUsername: sentinelUser }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(isTls && { enableTLSForSentinelMode: true, sentinelTLS: tls }),
  };
}

function retryDelayMs(tries: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(tries, 6)) * (0.5 + Math.random() / 2);
}

/** @throws StartError */
function readCa(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new StartError(`MCP_REDIS_CA: ${path} cannot be read (${codeOf(error)}).`, [], EXIT.config);
  }
}
