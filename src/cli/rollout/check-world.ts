import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExecutionRecord } from './execution.js';
import { Load } from './load.js';
import { LocalRedis } from './local-redis.js';
import { ReplicaSet } from './replica-set.js';
import { RoundRobin } from './round-robin.js';
import { judge, type Verdict } from './tally.js';

/** Of what a check is made. */
export interface CheckOptions {
  /** The built program. */
  readonly main: string;
  /** `PATH` of the replicas. */
  readonly path: string;
  readonly replicaCount: number;
  readonly clientsPerKind: number;
  /** How long one call is worth trying, ms. */
  readonly patienceMs: number;
  /** An own one is started where there is none. */
  readonly redisUrl?: string;
  /** What the replicas connect to in place of the Redis. */
  readonly redisVia?: (url: string) => Promise<string>;
  /** What the proxy connects to in place of a replica. */
  readonly via?: (port: number) => Promise<number>;
  /** Further settings of single replicas, in the order of their start. */
  readonly settings?: readonly Readonly<Record<string, string>>[];
}

/** What a check found. */
export interface CheckResult extends Verdict {
  readonly lostSessions: number;
  readonly seconds: number;
}

/** Redis, replicas, a proxy and the record of what runs: what stands around a load, and is gone after it. */
export class CheckWorld {
  private constructor(
    private readonly options: CheckOptions,
    private readonly folder: string,
    /** The Redis that was started for this; undefined where another was named. */
    readonly redis: LocalRedis | undefined,
    readonly proxy: RoundRobin,
    readonly record: ExecutionRecord,
    readonly set: ReplicaSet,
  ) {}

  /** @throws StartError something of it does not start */
  static async open(options: CheckOptions): Promise<CheckWorld> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'gatehouse-check-')));
    const proxy = await RoundRobin.listen();
    const record = new ExecutionRecord(folder);
    let world: CheckWorld | undefined;
    let redis: LocalRedis | undefined;
    try {
      if (options.redisUrl === undefined) redis = await redisIn(join(folder, 'redis'));
      const url = options.redisUrl ?? (redis as LocalRedis).url;
      const redisUrl = options.redisVia ? await options.redisVia(url) : url;
      const { main, path, via } = options;
      const set = new ReplicaSet({ main, path, folder, redisUrl, proxy, record, ...(via && { via }) });
      world = new CheckWorld(options, folder, redis, proxy, record, set);
      for (let index = 0; index < options.replicaCount; index++) await set.add(options.settings?.[index]);
      return world;
    } catch (error) {
      proxy.close();
      await world?.set.close();
      await redis?.down();
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Loads the replicas while something happens to them. @returns what became of the calls */
  async load(work: () => Promise<void>): Promise<CheckResult> {
    const { clientsPerKind, patienceMs } = this.options;
    const { record, set, proxy } = this;
    const load = new Load({ url: `${proxy.url}/mcp`, token: set.token, record, clientsPerKind, patienceMs });
    const startedAt = performance.now();
    await load.during(work);
    const verdict = judge(load.stories, await record.read());
    return { ...verdict, lostSessions: load.lostSessions, seconds: (performance.now() - startedAt) / 1_000 };
  }

  async close(): Promise<void> {
    await this.set.close();
    this.proxy.close();
    await this.redis?.down();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function redisIn(folder: string): Promise<LocalRedis> {
  await mkdir(folder);
  return LocalRedis.start(folder);
}
