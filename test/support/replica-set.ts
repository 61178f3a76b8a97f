import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { BuiltServer, type ServerOptions } from './built-server.js';
import { Nginx } from './nginx.js';
import { type TemporaryFolder, temporaryFolder } from './places.js';
import { RedisServer } from './redis-server.js';

const COUNT = 3;

/** Three processes of the built program on one Redis, behind nginx, which sends each request to the next. */
export class ReplicaSet {
  private said = '';
  private readonly read: number[] = Array.from({ length: COUNT }, () => 0);

  private constructor(
    readonly redis: RedisServer,
    readonly servers: readonly BuiltServer[],
    private readonly nginx: Nginx,
    private readonly folder: TemporaryFolder,
  ) {}

  static async start({ env = {}, ...more }: ServerOptions = {}): Promise<ReplicaSet> {
    const [redis, folder] = [await RedisServer.start(), await temporaryFolder()];
    const shared = {
      MCP_REDIS_URL: redis.url,
      MCP_SESSION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      MCP_TRUSTED_PROXIES: '127.0.0.1',
      // Where plug-ins of tests tell each other, which have no Redis of their own.
      GATEHOUSE_TEST_MARKS: join(folder.path, 'marks'),
    };
    const started = await Promise.allSettled(
      Array.from({ length: COUNT }, () => BuiltServer.start({ ...more, env: { ...shared, ...env } })),
    );
    const servers = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    try {
      for (const one of started) if (one.status === 'rejected') throw one.reason;
      return new ReplicaSet(redis, servers, await Nginx.start(servers.map(({ port }) => port)), folder);
    } catch (error) {
      await Promise.all(servers.map((server) => server.dispose()));
      await redis.remove();
      await folder.remove();
      throw error;
    }
  }

  /** The MCP endpoint, of whichever replica is next. */
  get url(): string {
    return `${this.nginx.url}/mcp`;
  }

  /** The MCP endpoint of one replica. @param at 0 to 2 */
  urlOf(at: number): string {
    return (this.servers[at] as BuiltServer).url;
  }

  /** What the replicas have written, in about the order in which they wrote it. */
  get stderr(): string {
    for (const [at, { stderr }] of this.servers.entries()) {
      const whole = stderr.lastIndexOf('\n') + 1;
      this.said += stderr.slice(this.read[at], whole);
      this.read[at] = whole;
    }
    return this.said;
  }

  async dispose(): Promise<void> {
    await this.nginx.stop();
    await Promise.all(this.servers.map((server) => server.dispose()));
    await this.redis.remove();
    await this.folder.remove();
  }
}
