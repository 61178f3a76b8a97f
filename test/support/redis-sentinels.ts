import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Pair } from './certificates.js';
import { type TemporaryFolder, temporaryFolder } from './places.js';
import { accepts, freePort, portsOf, RedisServer } from './redis-server.js';
import { until, within } from './waiting.js';

const MASTER = 'gatehouse-master';
const COUNT = 3;
const QUORUM = 2;

/** How a set of servers is started. */
export interface SentinelOptions {
  readonly tls: Pair & {
    /** Path of the authority's certificate. */
    readonly ca: string;
  };
  /** What the servers, and what the sentinels, want to hear. */
  readonly password: string;
  readonly sentinelPassword: string;
}

/** A master and a replica of it, and three sentinels that watch them; all speak TLS alone. */
export class RedisSentinels {
  private readonly processes: ChildProcess[] = [];

  private constructor(
    readonly servers: readonly [RedisServer, RedisServer],
    private readonly folder: TemporaryFolder,
    private readonly options: SentinelOptions,
    private readonly ports: readonly number[],
  ) {}

  static async start(options: SentinelOptions): Promise<RedisSentinels> {
    const { tls, password } = options;
    const atOnce = ['--repl-diskless-sync-delay', '0'];
    const replicates = ['--tls-replication', 'yes', '--tls-ca-cert-file', tls.ca, ...atOnce];
    const args = [...replicates, '--requirepass', password, '--masterauth', password];
    const master = await RedisServer.start({ tls, args });
    const replica = await RedisServer.start({ tls, args: [...args, '--replicaof', '127.0.0.1', String(master.port)] });
    const ports = await Promise.all(Array.from({ length: COUNT }, freePort));
    const set = new RedisSentinels([master, replica], await temporaryFolder(), options, ports);
    await set.up();
    return set;
  }

  /** With one in front that nobody listens on, as in an estate where one is down. */
  get url(): string {
    const places = [1, ...this.ports].map((port) => `127.0.0.1:${port}`).join(',');
    return `rediss+sentinel://:${encodeURIComponent(this.options.password)}@${places}/${MASTER}`;
  }

  /** Waits until the replica has all that the master has: what it has not is lost with the master. */
  async inSync(): Promise<void> {
    await until(async () => {
      const [master, replica] = await Promise.all(this.servers.map(({ port }) => this.replicationOf(port)));
      const isLinked = replica?.get('master_link_status') === 'up';
      return isLinked && replica.get('slave_repl_offset') === master?.get('master_repl_offset');
    }, 'the replica to have what the master has');
  }

  async remove(): Promise<void> {
    for (const child of this.processes) {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await within(closed, 'a sentinel to end');
    }
    await Promise.all(this.servers.map((server) => server.remove()));
    await this.folder.remove();
  }

  private async replicationOf(port: number): Promise<Map<string, string>> {
    const { tls, password } = this.options;
    const args = ['-p', String(port), '--tls', '--cacert', tls.ca, 'info', 'replication'];
    const { stdout } = await promisify(execFile)('redis-cli', args, {
      env: { PATH: process.env['PATH'] ?? '', REDISCLI_AUTH: password },
    });
    return new Map(stdout.split('\r\n').map((line) => line.split(':') as [string, string]));
  }

  private async up(): Promise<void> {
    for (const [at, port] of this.ports.entries()) {
      // Sentinels write what they learn into their settings.
      const path = join(this.folder.path, `sentinel-${at}.conf`);
      await writeFile(path, this.settingsOf(port).join('\n'));
      this.processes.push(spawn('redis-server', [path, '--sentinel'], { stdio: 'ignore' }));
      await until(() => accepts(port), 'a sentinel to listen');
    }
  }

  private settingsOf(port: number): string[] {
    const { tls, password, sentinelPassword } = this.options;
    const settings = [...portsOf(port, tls), '--tls-replication', 'yes', '--tls-ca-cert-file', tls.ca];
    const lines = settings.join(' ').split(/ ?--/).slice(1);
    return [
      ...lines,
      'bind 127.0.0.1',
      `dir ${this.folder.path}`,
      `requirepass ${sentinelPassword}`,
      `sentinel sentinel-pass ${sentinelPassword}`,
      `sentinel monitor ${MASTER} 127.0.0.1 ${this.servers[0].port} ${QUORUM}`,
      `sentinel auth-pass ${MASTER} ${password}`,
      `sentinel down-after-milliseconds ${MASTER} 1000`,
      `sentinel failover-timeout ${MASTER} 5000`,
    ];
  }
}
