import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate as nextTick } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { codeOf, openIfThere, syncFolder } from '../files.js';
import { formatLine, putLine } from './journal-line.js';
import { replay } from './journal-reader.js';
import type { RecordTable } from './record-table.js';

const CHUNK_CHARS = 262_144;
const GROWTH_FACTOR = 3;
const MIN_GROWTH_CHARS = 1_048_576;

/** How a journal file is opened. */
export interface JournalOptions {
  readonly path: string;
  /** What the journal says, kept current by the caller before each append. */
  readonly table: RecordTable;
  /** Wall time, ms since the epoch. */
  readonly now: () => number;
  /** Called before each write. @throws Error this process must not write any more */
  readonly assertMine?: () => void;
}

/**
 * An append-only file of changes to a table, with group commit: whatever is appended in one turn of the event loop, or
 * while a write is under way, becomes durable with one write and one fsync.
 *
 * The table is always ahead of the file. So after a write that failed, and left an unknown tail, the file is written
 * anew from the table with the next append; the same rewrite drops what is dead when the file has grown.
 */
export class JournalFile {
  private readonly logger = new Logger('Journal');
  private handle: FileHandle | undefined;
  private waiting: string[] = [];
  private turn: Promise<void> | undefined;
  private running: Promise<void> = Promise.resolve();
  private charsUntilRewrite = 0;
  private isClosed = false;

  private constructor(private readonly options: JournalOptions) {}

  /**
   * Replays the file into the table, drops what has expired, and writes the rest anew.
   * @throws StartError the file is damaged
   * @throws Error the file cannot be read or written
   */
  static async open(options: JournalOptions): Promise<JournalFile> {
    const journal = new JournalFile(options);
    await journal.load();
    await journal.rewrite();
    return journal;
  }

  /** @returns when the line is durable; rejects when that is not known */
  append(line: string): Promise<void> {
    if (this.isClosed) return Promise.reject(new Error('The journal is closed'));
    this.waiting.push(line);
    if (this.turn) return this.turn;
    // Each turn waits for the one before it, which may have failed: its own callers were told.
    const turn = Promise.allSettled([this.running, nextTick()]).then(() => this.commit());
    this.running = turn;
    return (this.turn = turn);
  }

  /** Waits for what was appended, then closes the file. */
  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.allSettled([this.running]);
    await this.letGo();
  }

  private async load(): Promise<void> {
    const { path, table } = this.options;
    const bytes = await readIfThere(path);
    if (!bytes) return;
    const torn = replay(bytes, table, path);
    if (torn > 0) this.logger.warn(`Dropped an unfinished write of ${torn} bytes at the end of ${path}`);
  }

  private async commit(): Promise<void> {
    const text = this.waiting.join('');
    this.waiting = [];
    this.turn = undefined;
    try {
      this.options.assertMine?.();
      await this.write(text);
    } catch (error) {
      await this.letGo();
      throw error;
    }
    if (this.charsUntilRewrite <= 0) await this.compact();
  }

  private async write(text: string): Promise<void> {
    if (!this.handle) return this.rewrite();
    await this.handle.appendFile(text);
    await this.handle.datasync();
    this.charsUntilRewrite -= text.length;
  }

  /** Rewrites a healthy file; where that fails, the file goes on growing until the next try. */
  private async compact(): Promise<void> {
    try {
      await this.rewrite();
    } catch (error) {
      this.logger.warn(`${this.options.path} could not be compacted (${codeOf(error)})`);
      this.charsUntilRewrite = MIN_GROWTH_CHARS;
    }
  }

  /** Puts a file with the live records in place of the old one. Until the rename, the old one stays as it is. */
  private async rewrite(): Promise<void> {
    const { path, table, now } = this.options;
    table.purge(now());
    const fresh = `${path}.new`;
    await rm(fresh, { force: true });
    const handle = await open(fresh, 'wx', 0o600);
    try {
      const length = await this.writeRecords(handle);
      await handle.sync();
      await this.letGo();
      await rename(fresh, path);
      await syncFolder(dirname(path));
      this.charsUntilRewrite = Math.max(MIN_GROWTH_CHARS, GROWTH_FACTOR * length);
    } catch (error) {
      await handle.close();
      throw error;
    }
    this.handle = handle;
  }

  /** @returns characters written */
  private async writeRecords(handle: FileHandle): Promise<number> {
    let chunk = formatLine();
    let length = 0;
    for (const [namespace, key, record] of this.options.table.entries()) {
      chunk += putLine(namespace, key, record);
      if (chunk.length < CHUNK_CHARS) continue;
      length += chunk.length;
      await handle.appendFile(chunk);
      chunk = '';
    }
    await handle.appendFile(chunk);
    return length + chunk.length;
  }

  private async letGo(): Promise<void> {
    const handle = this.handle;
    this.handle = undefined;
    await handle?.close();
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  const handle = await openIfThere(path);
  try {
    return await handle?.readFile();
  } finally {
    await handle?.close();
  }
}
