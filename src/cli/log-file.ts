import { mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { destination } from 'pino';
import { StartError } from '../common/index.js';

const FOLDER_MODE = 0o750;
const FILE_MODE = 0o640;

/** Where a log file is, and how much of it is kept. */
export interface LogFileOptions {
  readonly path: string;
  /** Size at which it is put aside, bytes, >= 1. */
  readonly maxBytes: number;
  /** Files that are kept beside it, >= 0: `<path>.1` is the newest. */
  readonly backups: number;
  /** Lines that wait for the disk, bytes: beyond that they are dropped. */
  readonly maxWaitingBytes: number;
}

/** A file that lines are appended to, put aside when it is full. Writing never waits for the disk. */
export class LogFile {
  private sink: ReturnType<typeof destination>;
  private bytes: number;
  private isStuck = false;
  /** Put aside, with lines that are still on their way into it. */
  private readonly full = new Set<ReturnType<typeof destination>>();

  /**
   * @param complain is told, once, when the file cannot be written or put aside
   * @throws StartError it cannot be opened
   */
  constructor(
    private readonly options: LogFileOptions,
    private readonly complain: (message: string) => void,
  ) {
    const { path } = options;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE });
      this.sink = this.open();
      this.bytes = statSync(path).size;
    } catch (error) {
      throw new StartError(
        `The log file ${path} cannot be opened (${codeOf(error)}): set MCP_LOGGING_FILE_PATH to another.`,
      );
    }
  }

  /** @param line with its newline */
  write(line: string): void {
    const length = Buffer.byteLength(line);
    if (this.bytes > 0 && this.bytes + length > this.options.maxBytes && !this.isStuck) this.putAside();
    this.bytes += length;
    this.sink.write(line);
  }

  /** Writes what waits, before the process ends. */
  flush(): void {
    for (const sink of [...this.full, this.sink]) sink.flushSync();
  }

  private putAside(): void {
    const { path, backups } = this.options;
    try {
      if (backups === 0) rmSync(path, { force: true });
      for (let n = backups; n >= 1; n--) moveIfThere(n === 1 ? path : `${path}.${n - 1}`, `${path}.${n}`);
      const full = this.sink;
      this.sink = this.open();
      this.bytes = 0;
      // What waits for the old file follows it under its new name, in order.
      this.full.add(full);
      full.once('close', () => this.full.delete(full));
      full.end();
    } catch (error) {
      // It goes on in the full file: a log that is too long is better than none.
      this.isStuck = true;
      this.complain(`The log file ${path} cannot be put aside (${codeOf(error)}): it grows on`);
    }
  }

  private open(): ReturnType<typeof destination> {
    const { path, maxWaitingBytes } = this.options;
    // Opened here and now: one that is opened later could not be flushed before.
    const sink = destination({ dest: openSync(path, 'a', FILE_MODE), sync: false, maxLength: maxWaitingBytes });
    sink.on('error', (error) => this.complain(`The log file ${path} cannot be written (${codeOf(error)})`));
    return sink;
  }
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
