import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { MAIN } from './places.js';
import { PATIENCE_MS, within } from './waiting.js';

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProgramOptions {
  /** What follows the program: a command and its flags. */
  readonly args: readonly string[];
  /** What to run in place of the built program: an executable and what comes before `args`. */
  readonly command?: readonly [string, ...string[]];
  /** Added to the little that the program gets of the environment; nothing else of it is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** Start folder; one without `.env`. */
  readonly cwd: string;
}

/** What both streams of a process said so far. */
type Output = Record<'stdout' | 'stderr', string>;

/** The built program, running as a process of its own. */
export class Program {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly output: Output = { stdout: '', stderr: '' };
  private readonly listeners = new Set<() => void>();
  private ended: Exit | undefined;
  /** When the process has ended and all that it wrote is here. */
  readonly exit: Promise<Exit>;

  private constructor({ args, env, cwd, command = [process.execPath, MAIN] }: ProgramOptions) {
    const { PATH = '', HOME = cwd } = process.env;
    const [executable, ...before] = command;
    this.child = spawn(executable, [...before, ...args], { cwd, env: { PATH, HOME, ...env } });
    for (const name of ['stdout', 'stderr'] as const) {
      this.child[name].setEncoding('utf8').on('data', (text: string) => {
        this.output[name] += text;
        this.tell();
      });
    }
    // A program that ended reads no more: what is written to it then is nobody's loss.
    this.child.stdin.on('error', () => undefined);
    this.exit = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', (code, signal) => {
        this.ended = { code, signal };
        resolve(this.ended);
        this.tell();
      });
    });
  }

  static start(options: ProgramOptions): Program {
    return new Program(options);
  }

  /** Runs the program to its end. */
  static async run(options: ProgramOptions): Promise<Exit & Readonly<Output>> {
    const program = new Program(options);
    program.endInput();
    return { ...(await program.ending()), ...program.output };
  }

  get pid(): number {
    return this.child.pid as number;
  }

  get isRunning(): boolean {
    return this.ended === undefined;
  }

  get stdout(): string {
    return this.output.stdout;
  }

  get stderr(): string {
    return this.output.stderr;
  }

  /**
   * Waits until a stream has said something, from its beginning.
   * @returns the match; rejects when the program ends or the time does
   */
  async said(pattern: RegExp, stream: keyof Output = 'stderr', timeoutMs = PATIENCE_MS): Promise<RegExpExecArray> {
    const found = new Promise<RegExpExecArray>((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this.output[stream]);
        if (!match && !this.ended) return;
        this.listeners.delete(look);
        if (match) resolve(match);
        else reject(new Error(`The program ended before it said ${pattern} on ${stream}:\n${this.output.stderr}`));
      };
      this.listeners.add(look);
      look();
    });
    return within(found, `${pattern} on ${stream}`, timeoutMs);
  }

  /** Calls back whenever more was written, and at the end. @returns what ends that */
  onOutput(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  write(text: string | Uint8Array): void {
    this.child.stdin.write(text);
  }

  endInput(): void {
    this.child.stdin.end();
  }

  /** Reads no more of what the program writes to stdout. */
  closeOutput(): void {
    this.child.stdout.destroy();
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Waits for the end; a program that does not end by itself is killed and reported. */
  async ending(timeoutMs = PATIENCE_MS): Promise<Exit> {
    try {
      return await within(this.exit, 'the end of the program', timeoutMs);
    } catch (error) {
      this.kill('SIGKILL');
      throw error;
    }
  }

  /** Ends the program, if it still runs. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.kill(signal);
    return this.ending();
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
