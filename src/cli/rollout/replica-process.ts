import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { StartError } from '../../common/index.js';

const START_MS = 30_000;
const KEPT_CHARS = 4_000;

/** How a replica is started. */
export interface ReplicaOptions {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** One replica: the program as a process of its own, on a port that the system gave it. */
export class ReplicaProcess {
  private log = '';

  private constructor(
    private readonly child: ChildProcessByStdio<null, null, Readable>,
    readonly port: number,
  ) {
    child.stderr.on('data', (text: string) => this.keep(text));
  }

  /** @throws StartError it ended, or did not say in time where it serves */
  static async start({ args, env, cwd }: ReplicaOptions): Promise<ReplicaProcess> {
    const child = spawn(process.execPath, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.setEncoding('utf8');
    const replica = new ReplicaProcess(child, await portOf(child));
    return replica;
  }

  get pid(): number {
    return this.child.pid as number;
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** The last that it wrote to stderr. */
  get lastWords(): string {
    return this.log;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Sends a signal, and waits for the end. @returns the exit code, or the signal that ended it */
  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    const { child } = this;
    if (this.isRunning) {
      const exit = once(child, 'exit');
      child.kill(signal);
      await exit;
    }
    return child.exitCode ?? (child.signalCode as NodeJS.Signals);
  }

  private keep(text: string): void {
    this.log = (this.log + text).slice(-KEPT_CHARS);
  }
}

/** Where a replica says that it serves. */
async function portOf(child: ChildProcessByStdio<null, null, Readable>): Promise<number> {
  let said = '';
  let stop: (() => void) | undefined;
  const port = new Promise<number>((resolve, reject) => {
    const fail = (why: string): void => reject(new StartError(`A replica ${why}: ${said.slice(-KEPT_CHARS).trim()}`));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail('did not start in time');
    }, START_MS);
    const look = (text: string): void => {
      said += text;
      const [, found] = /MCP endpoint: +https?:\/\/\S+?:(\d+)\//.exec(said) ?? [];
      if (found !== undefined) resolve(Number(found));
    };
    const ended = (): void => fail('ended at its start');
    child.on('error', reject).once('exit', ended);
    child.stderr.on('data', look);
    stop = () => {
      clearTimeout(timer);
      child.off('exit', ended);
      child.stderr.off('data', look);
    };
  });
  return port.finally(() => stop?.());
}
