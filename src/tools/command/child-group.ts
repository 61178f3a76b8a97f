import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Readable } from 'node:stream';
import { isJsonObject } from '../../common/index.js';
import { CHILD_ENVIRONMENT, type Command } from './command.js';
import { OutputCapture } from './output-capture.js';

/** How the leader of a group ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

/** Time from SIGTERM to SIGKILL. */
const GRACE_MS = 2_000;
/** Pause between looks at a group that is ending. */
const POLL_MS = 20;
/** Time for the group to be gone after SIGKILL, and for its last output to arrive; only who left it can take longer. */
const DRAIN_MS = 500;

/** A child process with all that it starts: the group that it leads, and what that writes. */
export class ChildGroup {
  readonly stdout: OutputCapture;
  readonly stderr: OutputCapture;
  /** Resolves when the leader has ended; members that it left behind may live on. */
  readonly exited: Promise<Exit>;
  private readonly closed: Promise<void>;

  private constructor(
    private readonly child: Child,
    command: Command,
  ) {
    this.stdout = capture(child.stdout, command.maxStdoutBytes);
    this.stderr = capture(child.stderr, command.maxStderrBytes);
    this.exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    this.closed = new Promise((resolve) => child.once('close', () => resolve()));
  }

  /**
   * Starts a program: without a shell, in a group of its own, in an environment of its own, with nothing to read.
   * @throws Error the operating system's, with its `code`
   */
  static async start(command: Command): Promise<ChildGroup> {
    const child = spawn(command.command, [...command.args], {
      cwd: command.cwd,
      env: { ...CHILD_ENVIRONMENT, ...command.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: false,
      detached: true,
    });
    const group = new ChildGroup(child, command);
    await once(child, 'spawn');
    // Later errors are of signals that could not be sent; how the child ends tells more.
    child.on('error', () => undefined);
    return group;
  }

  /**
   * Ends whatever of the group still runs: SIGTERM, then SIGKILL to what is left after the grace.
   * @returns how the leader ended; undefined where not even SIGKILL ended it
   */
  async end(): Promise<Exit | undefined> {
    if (this.send('SIGTERM') && !(await this.isGoneWithin(GRACE_MS))) {
      this.send('SIGKILL');
      await this.isGoneWithin(DRAIN_MS);
    }
    const exit = await within(DRAIN_MS, this.exited);
    await within(DRAIN_MS, this.closed);
    this.child.stdout.destroy();
    this.child.stderr.destroy();
    return exit;
  }

  /** SIGKILL to whatever of the group still runs, without waiting for it to be gone. */
  kill(): void {
    this.send('SIGKILL');
  }

  /** Polls, as there is no event for it: orphans are no children of ours that we could wait for. */
  private async isGoneWithin(ms: number): Promise<boolean> {
    const lookUntil = performance.now() + ms;
    while (this.send(0)) {
      if (performance.now() >= lookUntil) return false;
      await delay(POLL_MS);
    }
    return true;
  }

  /**
   * @param signal 0 only asks
   * @returns whether there is anyone in the group whom we may signal
   */
  private send(signal: NodeJS.Signals | 0): boolean {
    try {
      // The number stays the group's own while the group has members; with none left, nobody is hit.
      return process.kill(-(this.child.pid as number), signal);
    } catch (error) {
      if (isCode(error, 'ESRCH', 'EPERM')) return false;
      throw error;
    }
  }
}

/** Whether an error of the operating system has one of these codes. */
export function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return isJsonObject(error) && codes.includes(String(error['code']));
}

function capture(stream: Readable, maxBytes: number): OutputCapture {
  const output = new OutputCapture(maxBytes);
  stream.on('data', (chunk: Buffer) => output.push(chunk));
  // A pipe that breaks has said all that it will say.
  stream.on('error', () => undefined);
  return output;
}

/** The promise's value, or undefined when it takes longer. @param ms time to wait */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const timer = new AbortController();
  const late = delay(ms, undefined, { signal: timer.signal }).catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}
