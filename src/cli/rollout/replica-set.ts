import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { StartError } from '../../common/index.js';
import type { ExecutionRecord } from './execution.js';
import { ReplicaProcess } from './replica-process.js';
import type { RoundRobin } from './round-robin.js';

const READY_MS = 30_000;
const TOOLS = join('cli', 'rollout', 'counting.tools.js');

/** What the replicas of a check have in common. */
export interface ReplicaSetOptions {
  /** The built program. */
  readonly main: string;
  /** Start folder of all, and where each has a folder of its own. */
  readonly folder: string;
  readonly redisUrl: string;
  /** Where the program finds node and its home. */
  readonly path: string;
  readonly proxy: RoundRobin;
  readonly record: ExecutionRecord;
  /** Which port the proxy takes for a replica: its own, unless something stands in between. */
  readonly via?: (port: number) => Promise<number>;
}

/** Replicas of the program over one Redis, behind one proxy. */
export class ReplicaSet {
  /** What a client says who it is by. */
  readonly token = randomBytes(24).toString('base64url');
  private readonly sessionKeys = `check:${randomBytes(32).toString('base64')}`;
  private readonly routes = new Map<ReplicaProcess, number>();
  /** Processes that are not known to serve yet. */
  private readonly starting = new Set<Promise<ReplicaProcess>>();
  private started = 0;
  private isClosed = false;

  constructor(private readonly options: ReplicaSetOptions) {}

  /** In the order of their start. */
  get replicas(): readonly ReplicaProcess[] {
    return [...this.routes.keys()];
  }

  /**
   * Starts one more, and waits until the proxy sends it requests.
   * @param env further settings of this one
   * @throws StartError it does not start, or is not ready in time
   */
  async add(env: Readonly<Record<string, string>> = {}): Promise<ReplicaProcess> {
    const { folder, proxy, via } = this.options;
    const stateDir = join(folder, `replica-${(this.started += 1)}`);
    await mkdir(stateDir);
    if (this.isClosed) throw new StartError('The check is over: no further replica is started.');
    const start = ReplicaProcess.start({
      args: this.argsOf(stateDir),
      env: { ...this.settings(), ...env },
      cwd: folder,
    });
    this.starting.add(start);
    const replica = await start.finally(() => this.starting.delete(start));
    const port = via ? await via(replica.port) : replica.port;
    this.routes.set(replica, port);
    if (await proxy.add(port, READY_MS)) return replica;
    const { lastWords } = replica;
    await this.end(replica, 'SIGKILL');
    throw new StartError(`A replica does not become ready: ${lastWords.trim()}`);
  }

  /** The port by which the proxy reaches a replica. */
  routeOf(replica: ReplicaProcess): number {
    return this.routes.get(replica) as number;
  }

  /** Ends one, and has the proxy forget it afterwards. @returns the exit code, or the signal that ended it */
  async end(replica: ReplicaProcess, signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    const { pid } = replica;
    const exit = await replica.end(signal);
    this.options.record.add({ what: 'gone', pid });
    this.options.proxy.remove(this.routeOf(replica));
    this.routes.delete(replica);
    return exit;
  }

  /** Ends all at once, and those that are about to be. */
  async close(): Promise<void> {
    this.isClosed = true;
    const late = await Promise.allSettled(this.starting);
    for (const start of late) if (start.status === 'fulfilled') await start.value.end('SIGKILL');
    await Promise.all(this.replicas.map((replica) => this.end(replica, 'SIGKILL')));
  }

  private argsOf(stateDir: string): readonly string[] {
    const { main } = this.options;
    const tools = join(dirname(main), TOOLS);
    const where = ['--transport', 'http', '--port', '0', '--state-dir', stateDir];
    return [main, 'serve', ...where, '--tools-path', tools];
  }

  /** Rates are counted, and set where they refuse nothing: what is lost is to be lost by nothing but the faults. */
  private settings(): Readonly<Record<string, string>> {
    const { redisUrl, path, folder } = this.options;
    return {
      PATH: path,
      HOME: folder,
      MCP_REDIS_URL: redisUrl,
      MCP_REDIS_KEY_PREFIX: `rollout-check-${this.sessionKeys.slice(-8, -2)}:`,
      MCP_SESSION_KEYS: this.sessionKeys,
      MCP_AUTH_TOKENS: `rollout:operator:${this.token}`,
      MCP_RATE_LIMIT_MAX: '100000',
      MCP_RATE_LIMIT_CONNECTIONS: '100000',
      MCP_MAX_CONNECTIONS_PER_PRINCIPAL: '1000',
      MCP_SERVER_MAX_CONNECTIONS: '1000',
      MCP_SESSION_MAX_PER_CLIENT: '100',
    };
  }
}
