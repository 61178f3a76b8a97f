import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:net';
import type { Pair } from './certificates.js';
import { ROOT, type TemporaryFolder, temporaryFolder } from './places.js';
import { until, within } from './waiting.js';

/** How a server is started besides its port and folder. */
export interface RedisOptions {
  readonly port?: number;
  /** More of its settings, as its command line has them. */
  readonly args?: readonly string[];
  /** Speaks TLS alone, with this pair of files. */
  readonly tls?: Pair;
}

/** A redis-server of Debian on a free port, without any file outside of a folder of its own. */
export class RedisServer {
  private child: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly folder: TemporaryFolder,
    private readonly args: readonly string[],
    private readonly tls: Pair | undefined,
  ) {}

  static async start({ port, args = [], tls }: RedisOptions = {}): Promise<RedisServer> {
    installRedis();
    const server = new RedisServer(port ?? (await freePort()), await temporaryFolder(), args, tls);
    await server.up();
    return server;
  }

  get url(): string {
    return `${this.tls ? 'rediss' : 'redis'}://127.0.0.1:${this.port}`;
  }

  /** The same, with what a client says of itself. @param user may be empty: the default user */
  urlAs(user: string, password: string): string {
    return this.url.replace('://', `://${encodeURIComponent(user)}:${encodeURIComponent(password)}@`);
  }

  /** Starts the process, which must not run; what it kept is there again. */
  async up(): Promise<void> {
    const settings = [...portsOf(this.port, this.tls), '--bind', '127.0.0.1', '--dir', this.folder.path];
    const lasting = [
      '--appendonly',
      'yes',
      '--appendfsync',
      'always',
      '--maxmemory-policy',
      'noeviction',
      '--save',
      '',
    ];
    this.child = spawn('redis-server', [...settings, ...lasting, ...this.args], { stdio: 'ignore' });
    await until(() => accepts(this.port), 'redis-server to listen');
  }

  /** Ends the process at once; its port stays free. */
  async down(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (!child || child.exitCode !== null) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await within(closed, 'redis-server to end');
  }

  /** Lets the process stand still, as one that hangs. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }

  async remove(): Promise<void> {
    this.thaw();
    await this.down();
    await this.folder.remove();
  }
}

/** How a server or a sentinel is told where to listen. */
export function portsOf(port: number, tls: Pair | undefined): string[] {
  if (!tls) return ['--port', String(port)];
  const files = ['--tls-cert-file', tls.cert, '--tls-key-file', tls.key];
  return ['--port', '0', '--tls-port', String(port), ...files, '--tls-auth-clients', 'no'];
}

/** By the project's own installer, which is no module of tests. */
export function installRedis(): void {
  const script = `import { debianTool } from ${JSON.stringify(join(ROOT, 'scripts/tools.mjs'))}; debianTool('redis-server');`;
  execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** @returns a port that nobody listened on a moment ago */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
