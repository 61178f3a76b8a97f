import { constants } from 'node:os';
import { Injectable } from '@nestjs/common';
import { IsString, Length } from 'class-validator';
import { printable, ToolError } from '../../common/index.js';
import { AppConfig, type ToolSettings } from '../../config/index.js';
import type { CommandOutcome, StartFailureKind } from '../command/command.js';
import { CommandRunner } from '../command/command-runner.js';
import { splitCommandLine } from '../command/split-command-line.js';
import { Describe } from '../schema/describe.decorator.js';
import type { ToolContext } from '../tool-context.js';
import { Tool } from '../tool.decorator.js';
import { fileRoots } from './file-roots.js';

const MS_PER_SEC = 1_000;
const NAME = 'run_command';

/** Arguments of `run_command`. */
export class RunCommandInput {
  @IsString()
  @Length(1, 2_048)
  @Describe('Program and arguments, quoted as for a shell; no shell runs: | > $ * and the like are plain text', {
    examples: ['ls -l'],
  })
  readonly command!: string;
}

/** Whether the operator offers `run_command`: switched on, and with at least one command to run (W-2). */
export function isRunCommandOffered(settings: Pick<ToolSettings, 'runCommandEnabled' | 'runCommandAllow'>): boolean {
  return settings.runCommandEnabled && settings.runCommandAllow.length > 0;
}

/** Runs one of the commands that the operator allows, without a shell (W-2). */
@Injectable()
export class RunCommandTool {
  private readonly settings: ToolSettings;
  private readonly cwd: string;

  constructor(
    { tools }: AppConfig,
    private readonly runner: CommandRunner,
  ) {
    this.settings = tools;
    [this.cwd] = fileRoots(tools);
  }

  /**
   * @returns what the command wrote and its return code, which is that of a failure too; below 0 it names a signal
   * @throws ToolError `Error running command: …`: refused, not started, or ended before its time
   */
  @Tool({
    name: NAME,
    title: 'Run a command',
    description: 'Execute a shell command',
    destructive: true,
    openWorld: true,
    roles: ['admin'],
    command: true,
    enabled: false,
  })
  async runCommand({ command: line }: RunCommandInput, { signal }: ToolContext): Promise<string> {
    const [command, ...args] = this.wordsOf(line);
    this.refuseUnlessAllowed(command);
    const { maxStdoutBytes, maxStderrBytes, runCommandTimeoutSec } = this.settings;
    const timeoutMs = runCommandTimeoutSec * MS_PER_SEC;
    const limits = { timeoutMs, maxStdoutBytes, maxStderrBytes };
    const outcome = await this.runner.run({ command, args, cwd: this.cwd, signal, ...limits });
    this.refuseUnlessEnded(command, outcome, signal);
    return `Command: ${line}\nReturn code: ${returnCode(outcome)}\n${this.outputOf(outcome)}`;
  }

  private wordsOf(line: string): readonly [string, ...string[]] {
    const bytes = Buffer.byteLength(line);
    const { maxArgsBytes } = this.settings;
    if (bytes > maxArgsBytes)
      throw runError(`the command line has ${bytes} bytes, at most ${maxArgsBytes} are allowed`);
    const split = splitCommandLine(line);
    if (!split.isValid) throw runError(split.fault);
    const [command, ...args] = split.words;
    if (!command) throw runError('there is no command in the command line');
    return [command, ...args];
  }

  /** Also where an admin switched the tool on at run time: that does not stand for the setting (W-2). */
  private refuseUnlessAllowed(command: string): void {
    const { runCommandAllow } = this.settings;
    if (!isRunCommandOffered(this.settings)) {
      throw new ToolError(`Tool '${NAME}' is not enabled on this server`, { kind: 'tool_disabled' });
    }
    // A path could name another program than the one that the operator had in mind.
    if (!command.includes('/') && runCommandAllow.includes(command)) return;
    throw runError(`'${printable(command)}' is not allowed here. Allowed are: ${runCommandAllow.join(', ')}`, {
      kind: 'permission_denied',
    });
  }

  private refuseUnlessEnded(command: string, outcome: CommandOutcome, signal: AbortSignal): void {
    const { startFailure, timedOut, cancelled } = outcome;
    if (startFailure) throw runError(START_FAILURES[startFailure.kind](command), { cause: startFailure.cause });
    if (timedOut) {
      const why = `Process timed out after ${this.settings.runCommandTimeoutSec}s`;
      throw runError(`${why}\n${this.outputOf(outcome)}`, { kind: 'timeout' });
    }
    if (!cancelled) return;
    throw signal.aborted
      ? runError('the call was cancelled', { kind: 'cancelled' })
      : runError('the server is ending', { kind: 'shutting_down' });
  }

  private outputOf({ stdout, stderr, truncatedStdout, truncatedStderr }: CommandOutcome): string {
    const { maxStdoutBytes, maxStderrBytes } = this.settings;
    const lines = [`Stdout: ${stdout}`, `Stderr: ${stderr}`];
    if (truncatedStdout) lines.push(`[stdout cut at ${maxStdoutBytes} bytes]`);
    if (truncatedStderr) lines.push(`[stderr cut at ${maxStderrBytes} bytes]`);
    return lines.join('\n');
  }
}

const START_FAILURES: Record<StartFailureKind, (command: string) => string> = {
  not_found: (command) => `Command not found: ${command}. The operator can install it.`,
  no_folder: () => 'the folder that commands run in does not exist. The operator can make it, or name another.',
  not_permitted: (command) => `the server may not run ${command}`,
  failed: (command) => `${command} could not be started. Try again later.`,
};

/** The exit code; for a signal its number below zero, as Python has it. */
function returnCode({ exitCode, signal }: CommandOutcome): number {
  return exitCode ?? (signal ? -constants.signals[signal] : -1);
}

function runError(why: string, options?: ConstructorParameters<typeof ToolError>[1]): ToolError {
  return new ToolError(`Error running command: ${why}`, options);
}
