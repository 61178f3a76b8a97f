import { appendFile, rename, rm, stat } from 'node:fs/promises';
import { Logger } from '@nestjs/common';

const FILE_MODE = 0o600;
/** Text that waits for the disk: beyond that it is dropped, not the server stopped. */
const MAX_WAITING_CHARS = 1_048_576;

/** Where a file is, and how much of it is kept. */
export interface KeptFile {
  readonly path: string;
  /** Size at which it is rotated, bytes, >= 1. */
  readonly maxBytes: number;
  /** Rotated files that are kept, `<path>.1` the newest, >= 0. */
  readonly backupCount: number;
}

/**
 * Appends text to a file for its owner only, rotated by size. Nobody waits for the disk; the file is opened anew for each
 * write, so that one that was moved away, or could not be written for a while, is written again by itself.
 */
export class AppendFile {
  private readonly logger = new Logger(AppendFile.name);
  private waiting = '';
  private writing: Promise<void> | undefined;
  private isFailing = false;

  constructor(private readonly file: KeptFile) {}

  write(text: string): void {
    if (this.waiting.length + text.length > MAX_WAITING_CHARS) return;
    this.waiting += text;
    this.writing ??= this.drain();
  }

  /** Waits until what was handed over is written, or has failed. */
  async flush(): Promise<void> {
    await this.writing;
  }

  private async drain(): Promise<void> {
    // What comes in the same turn is written together.
    await Promise.resolve();
    while (this.waiting !== '') {
      const text = this.waiting;
      this.waiting = '';
      try {
        await this.append(text);
        this.isFailing = false;
      } catch (error) {
        this.failed(error);
      }
    }
    this.writing = undefined;
  }

  private async append(text: string): Promise<void> {
    const { path, maxBytes } = this.file;
    const size = await sizeOf(path);
    if (size > 0 && size + Buffer.byteLength(text) > maxBytes) await this.rotate();
    await appendFile(path, text, { mode: FILE_MODE });
  }

  private async rotate(): Promise<void> {
    const { path, backupCount } = this.file;
    if (backupCount === 0) return rm(path);
    for (let n = backupCount; n >= 1; n--) await moveIfThere(n === 1 ? path : `${path}.${n - 1}`, `${path}.${n}`);
  }

  private failed(error: unknown): void {
    if (this.isFailing) return;
    this.isFailing = true;
    const why = error instanceof Error ? error.message : String(error);
    this.logger.error(`${this.file.path} cannot be written, and is tried again with each line: ${why}`);
  }
}

/** @returns 0 where there is no file yet */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

async function moveIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
