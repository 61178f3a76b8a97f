import { stat } from 'node:fs/promises';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../../common/index.js';
import { ChildGroup, isCode } from './child-group.js';
import type { Command, CommandOutcome, StartFailure } from './command.js';
import { Interrupt } from './interrupt.js';

type Ending = Omit<CommandOutcome, 'durationMs'>;

const NEVER_STARTED: Ending = Object.freeze({
  exitCode: undefined,
  signal: undefined,
  timedOut: false,
  cancelled: false,
  startFailure: undefined,
  stdout: '',
  stderr: '',
  truncatedStdout: false,
  truncatedStderr: false,
});

/** Runs programs: the one place that starts any, never through a shell, and ends all that it started. */
@Injectable()
export class CommandRunner implements OnApplicationShutdown {
  private readonly running = new Map<Interrupt, Promise<CommandOutcome>>();
  private readonly groups = new Set<ChildGroup>();
  private isClosing = false;
  /** A process that exits without ending its children would leave them behind: each leads a group of its own. */
  private readonly onExit = (): void => this.groups.forEach((group) => group.kill());

  constructor(private readonly clock: Clock) {}

  /**
   * Runs a program to its end, or ends it with its whole process group: at its timeout, when the signal is aborted,
   * and when the server shuts down. What it left running in its group when it ended is ended too.
   * @returns how it went, also where it did not start; once it returns, nothing of the group runs
   */
  run(command: Command): Promise<CommandOutcome> {
    const interrupt = new Interrupt(command.signal, command.timeoutMs);
    if (this.isClosing) interrupt.fire('cancelled');
    const outcome = this.timed(command, interrupt).finally(() => {
      interrupt.dispose();
      this.running.delete(interrupt);
    });
    this.running.set(interrupt, outcome);
    return outcome;
  }

  /** Ends everything that runs; waits until it has. */
  async onApplicationShutdown(): Promise<void> {
    this.isClosing = true;
    for (const interrupt of this.running.keys()) interrupt.fire('cancelled');
    await Promise.allSettled(this.running.values());
  }

  private async timed(command: Command, interrupt: Interrupt): Promise<CommandOutcome> {
    const startedAt = this.clock.monotonic();
    const ending = await this.supervise(command, interrupt);
    return { ...ending, durationMs: this.clock.monotonic() - startedAt };
  }

  private async supervise(command: Command, interrupt: Interrupt): Promise<Ending> {
    if (interrupt.reason) return { ...NEVER_STARTED, cancelled: true };
    const group = await startGroup(command);
    if (!(group instanceof ChildGroup)) return { ...NEVER_STARTED, startFailure: group };

    this.entered(group);
    const reason = await Promise.race([group.exited.then(() => undefined), interrupt.fired]);
    const exit = await group.end().finally(() => this.left(group));
    return {
      exitCode: exit?.code ?? undefined,
      signal: exit?.signal ?? undefined,
      timedOut: reason === 'timed_out',
      cancelled: reason === 'cancelled',
      startFailure: undefined,
      stdout: group.stdout.text(),
      stderr: group.stderr.text(),
      truncatedStdout: group.stdout.isTruncated,
      truncatedStderr: group.stderr.isTruncated,
    };
  }

  private entered(group: ChildGroup): void {
    if (this.groups.size === 0) process.on('exit', this.onExit);
    this.groups.add(group);
  }

  private left(group: ChildGroup): void {
    this.groups.delete(group);
    if (this.groups.size === 0) process.off('exit', this.onExit);
  }
}

async function startGroup(command: Command): Promise<ChildGroup | StartFailure> {
  try {
    return await ChildGroup.start(command);
  } catch (cause) {
    if (isCode(cause, 'EACCES', 'EPERM')) return { kind: 'not_permitted', cause };
    if (!isCode(cause, 'ENOENT', 'ENOTDIR')) return { kind: 'failed', cause };
    // The operating system says the same of a program and of a folder that is missing.
    return { kind: (await isFolder(command.cwd)) ? 'not_found' : 'no_folder', cause };
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
