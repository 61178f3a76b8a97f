import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { argumentsDigest } from './arguments-digest.js';
import { AuditChain, GENESIS } from './audit-chain.js';
import { rotateFiles } from './audit-files.js';
import type { AuditHead } from './audit-log.js';
import { ARGUMENTS_MARK, bodyOf } from './audit-record.js';
import { type AuditTail, readTail } from './audit-tail.js';
import type { KeptFile } from './append-file.js';

const FILE_MODE = 0o600;
const FORMAT_VERSION = 1;
/** Of a torn line, what is kept in the record that seals it: bytes. */
const MAX_FRAGMENT_BYTES = 1_000;

/** How the file is written. */
export interface AuditFileOptions extends KeptFile {
  /** Names the run of the process that writes. */
  readonly run: string;
  /** Goes into the digests of arguments. */
  readonly salt: string;
  /** What becomes of arguments: their digest, or themselves where they are redacted already. */
  readonly keepArguments: 'digest' | 'redacted';
  /** Whether each batch must outlast a power cut: waits for the disk. */
  readonly isSynced: boolean;
}

interface OpenFile {
  readonly fd: number;
  readonly inode: number;
  size: number;
}

/**
 * The file of the log: numbers and chains records, rotates by size, seals what a crash left torn. It waits for the disk,
 * so it runs on a thread of its own. A batch is written whole or not at all; after an error the next one opens the file
 * anew.
 */
export class AuditFile {
  private file: OpenFile | undefined;
  private chain = AuditChain.after(undefined);
  /** What was cut off and is not sealed yet. */
  private torn: Buffer | undefined;

  constructor(private readonly options: AuditFileOptions) {}

  /**
   * Appends records.
   * @param batch bodies of records, one a line, each with its arguments behind a mark where it has any; may be empty
   * @returns the last record of the file
   * @throws Error the file cannot be written
   */
  append(batch: string): AuditHead {
    try {
      const file = this.opened();
      const bodies =
        batch === ''
          ? []
          : batch
              .slice(0, -1)
              .split('\n')
              .map((line) => this.bodyFrom(line));
      this.write(this.withRoom(file, batch.length), bodies);
      return this.chain.head;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    if (this.file) closeSync(this.file.fd);
    this.file = undefined;
  }

  /** Arguments are digested here, off the path of the call. */
  private bodyFrom(line: string): string {
    const at = line.indexOf(ARGUMENTS_MARK);
    if (at === -1) return line;
    const [body, text] = [line.slice(0, at), line.slice(at + 1)];
    if (this.options.keepArguments === 'redacted') return `${body},"args":${text}`;
    return `${body},"argsDigest":"${argumentsDigest(text, this.options.salt)}"`;
  }

  private opened(): OpenFile {
    if (this.file && !this.isElsewhere(this.file)) return this.file;
    this.close();
    const tail = this.tail();
    const file = this.open();
    this.file = file;
    this.chain = AuditChain.after(tail.head);
    if (tail.torn.length > 0) this.cut(file, tail);
    this.begin(file);
    if (this.torn) this.seal(file, this.torn);
    return file;
  }

  /** Whether somebody else moved the file away, cut it, or wrote to it: then it is read anew. */
  private isElsewhere({ inode, size }: OpenFile): boolean {
    const now = statSync(this.options.path, { throwIfNoEntry: false });
    return now === undefined || now.ino !== inode || now.size !== size;
  }

  /** How what is there ends: the file, or where that holds nothing whole, the one that was rotated last. */
  private tail(): AuditTail {
    const { path } = this.options;
    const own = isFilled(path) ? readTail(path) : { head: undefined, wholeBytes: 0, torn: Buffer.alloc(0) };
    if (own.wholeBytes > 0 || !isFilled(`${path}.1`)) return own;
    return { ...own, head: readTail(`${path}.1`).head };
  }

  private open(): OpenFile {
    const fd = openSync(this.options.path, 'a', FILE_MODE);
    try {
      const { ino, size } = fstatSync(fd);
      return { fd, inode: ino, size };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Takes a line away that a crash cut off: it was never whole, so nothing hangs on it. */
  private cut(file: OpenFile, { wholeBytes, torn }: AuditTail): void {
    ftruncateSync(file.fd, wholeBytes);
    file.size = wholeBytes;
    this.torn = torn;
  }

  /** Says what was taken away. */
  private seal(file: OpenFile, torn: Buffer): void {
    const fragment = torn.subarray(0, MAX_FRAGMENT_BYTES).toString('utf8');
    this.write(file, [bodyOf({ time: Date.now(), type: 'recovered', tornBytes: torn.length, fragment })]);
    this.torn = undefined;
  }

  /** Each run, and each file, begins by saying what it follows. */
  private begin(file: OpenFile): void {
    const { run, salt } = this.options;
    const { hash } = this.chain.head;
    const who = { version: FORMAT_VERSION, replica: hostname(), run, pid: process.pid, salt };
    this.write(file, [bodyOf({ time: Date.now(), type: 'start', ...who, previous: hash === GENESIS ? null : hash })]);
  }

  /** @returns the file to write to: a new one where the batch does not fit any more */
  private withRoom(file: OpenFile, length: number): OpenFile {
    const { path, maxBytes, backupCount } = this.options;
    if (length === 0 || file.size + length <= maxBytes) return file;
    this.close();
    rotateFiles(path, backupCount);
    const next = this.open();
    this.file = next;
    this.begin(next);
    return next;
  }

  private write(file: OpenFile, bodies: readonly string[]): void {
    if (bodies.length === 0) return;
    const chain = this.chain.fork();
    const bytes = Buffer.from(bodies.map((body) => chain.seal(body)).join(''), 'utf8');
    try {
      for (let written = 0; written < bytes.length;) written += writeSync(file.fd, bytes, written);
      if (this.options.isSynced) fdatasyncSync(file.fd);
    } catch (error) {
      takeBack(file);
      throw error;
    }
    file.size += bytes.length;
    this.chain = chain;
  }
}

function isFilled(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

/** Half a batch would be written again as a whole. */
function takeBack({ fd, size }: OpenFile): void {
  try {
    ftruncateSync(fd, size);
  } catch {
    // What stands there then is sealed when the file is opened next: the error to tell of is that of the writing.
  }
}
