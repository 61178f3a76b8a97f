import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { StartError } from '../../common/index.js';

const UP_MS = 15_000;
const POLL_MS = 20;

/** A redis-server of this machine on a free port of loopback, keeping its data in a folder of the check. */
export class LocalRedis {
  private child: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly folder: string,
  ) {}

  /**
   * @param folder which is there, and where nobody else's Redis is
   * @throws StartError there is no redis-server, or it does not start
   */
  static async start(folder: string): Promise<LocalRedis> {
    const redis = new LocalRedis(await freePort(), folder);
    await redis.up();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts the process, which must not run; what it kept is there again. */
  async up(): Promise<void> {
    const where = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.folder];
    // Nothing that was acknowledged is lost with the process, and nothing is dropped for want of memory.
    const lasting = [
      '--appendonly',
      'yes',
      '--appendfsync',
      'always',
      '--save',
      '',
      '--maxmemory-policy',
      'noeviction',
    ];
    const child = spawn('redis-server', [...where, ...lasting], { stdio: 'ignore' });
    this.child = child;
    const failed = new Promise<never>((_resolve, reject) => {
      child.once('error', (error: NodeJS.ErrnoException) => reject(new StartError(whyNot(error))));
      child.once('exit', (code) => reject(new StartError(`redis-server ended with ${code} before it answered.`)));
    });
    await Promise.race([this.accepts(), failed]);
    // It may end later, as it is told to.
    failed.catch(() => undefined);
  }

  /** Ends the process. @param signal SIGKILL as a crash would */
  async down(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  private async accepts(): Promise<void> {
    const endsAt = performance.now() + UP_MS;
    while (!(await listens(this.port))) {
      if (performance.now() > endsAt) throw new StartError('redis-server does not answer.');
      await pause(POLL_MS);
    }
  }
}

function whyNot(error: NodeJS.ErrnoException): string {
  if (error.code !== 'ENOENT') return `redis-server cannot be started (${error.code}).`;
  return 'There is no redis-server here: install the package redis-server (apt-get install redis-server), or name a Redis with --redis redis://host:port.';
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
