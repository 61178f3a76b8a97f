import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { type Clock, EXIT, printable, StartError } from '../common/index.js';
import { codeOf, isSystemError } from './files.js';
import { HEARTBEAT_MS, HeldLock, type Holder, type HolderDetails, takeLock } from './folder-lock.js';

/** How a state folder is opened. */
export interface StateFolderOptions {
  /** Absolute, or relative to the start folder; made where it does not exist. */
  readonly path: string;
  /** Shown to whoever finds the folder locked. */
  readonly details: HolderDetails;
  readonly clock: Clock;
}

/** The folder for what must outlast the process, locked for this process alone (DESIGN D-9). */
export class StateFolder {
  private readonly logger = new Logger(StateFolder.name);
  private readonly heartbeat: NodeJS.Timeout;
  private isLost = false;

  private constructor(
    private readonly options: StateFolderOptions,
    private readonly lock: HeldLock,
  ) {
    this.heartbeat = setInterval(() => void this.beat(), HEARTBEAT_MS).unref();
  }

  /** @throws StartError another process holds the folder, or it cannot be written */
  static async open(options: StateFolderOptions): Promise<StateFolder> {
    const { path, details, clock } = options;
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
      const taken = await takeLock(join(path, 'lock'), details, clock);
      if (taken instanceof HeldLock) return new StateFolder(options, taken);
      throw heldBy(taken, path);
    } catch (error) {
      throw explained(path, error);
    }
  }

  /** @returns the path of a file in the folder */
  pathOf(file: string): string {
    return join(this.options.path, file);
  }

  /** @throws Error another process took the folder over, as this one showed no sign of life for too long */
  assertHeld(): void {
    if (this.isLost) throw new Error(`The state folder ${this.options.path} was taken over by another process`);
  }

  /** Shows processes on other machines that this one lives. Called every 5 s. */
  async beat(): Promise<void> {
    try {
      if (this.isLost || (await this.lock.beat(this.options.clock.now()))) return;
      this.isLost = true;
      this.logger.error(
        `Another process took over ${this.options.path}: nothing more is written. Restart this server.`,
      );
    } catch (error) {
      this.logger.warn(`The lock of ${this.options.path} cannot be kept fresh (${codeOf(error)})`);
    }
  }

  /** Gives the folder back. */
  async close(): Promise<void> {
    clearInterval(this.heartbeat);
    await this.lock.release();
  }
}

/** Another process uses the folder. */
export class StateHeldError extends StartError {}

function heldBy(holder: Holder, path: string): StateHeldError {
  const { name, pid, port, host, since } = holder;
  return new StateHeldError(
    `The state folder ${path} is in use by "${printable(name)}" (pid ${pid} on ${printable(host)}, port ${port}, since ${printable(since)}).`,
    ['Stop that server, or give this one a folder of its own: --state-dir (MCP_STATE_DIR).'],
  );
}

/** @returns the error, or what to do about it where it comes from the operating system */
export function explained(path: string, error: unknown): unknown {
  if (!isSystemError(error)) return error;
  return new StartError(
    `The state folder ${path} cannot be used (${codeOf(error)}).`,
    ['Name a folder that this user can write, on a disk with free space: MCP_STATE_DIR or --state-dir.'],
    EXIT.config,
  );
}
