import { createReadStream } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { filesOf } from './audit-files.js';

const NEWLINE = 0x0a;
const READ_BYTES = 65_536;
const POLL_MS = 200;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A line of the log, and where it stands. */
export interface AuditLine {
  readonly file: string;
  /** From 1. */
  readonly number: number;
  readonly text: string;
  /** Whether its newline is there: the last line of a file may have been cut off. */
  readonly isWhole: boolean;
}

/**
 * The lines of a log, oldest first, through all its files.
 * @param path of the current file
 * @throws the error of the operating system
 */
export async function* linesOf(path: string): AsyncGenerator<AuditLine> {
  for (const file of filesOf(path)) yield* linesOfFile(file);
}

/** The newest whole lines of a log, oldest first. @param count >= 0 */
export async function newestLines(path: string, count: number): Promise<readonly string[]> {
  let newest: string[] = [];
  for (const file of [...filesOf(path)].reverse()) {
    if (newest.length >= count) break;
    const ofFile: string[] = [];
    for await (const { text, isWhole } of linesOfFile(file)) {
      if (isWhole) ofFile.push(text);
      if (ofFile.length > count - newest.length) ofFile.shift();
    }
    newest = [...ofFile, ...newest];
  }
  return newest;
}

/**
 * The whole lines that come to a log from now on, through rotations, without end.
 * @param path of the current file
 * @returns when it is open: nothing that comes after that is missed
 */
export async function followLines(path: string): Promise<AsyncGenerator<string>> {
  const file = await open(path, 'r');
  return linesFrom(path, file, (await file.stat()).size);
}

async function* linesFrom(path: string, first: FileHandle, from: number): AsyncGenerator<string> {
  let [file, at] = [first, from];
  let rest: Buffer = Buffer.alloc(0);
  try {
    for (;;) {
      // Asked before it is read: what a file got before it was moved away is read to its end.
      const isMoved = await isElsewhere(file, path);
      const bytes = await readFrom(file, at);
      at += bytes.length;
      rest = Buffer.concat([rest, bytes]);
      for (let to = rest.indexOf(NEWLINE); to !== -1; to = rest.indexOf(NEWLINE)) {
        yield textOf(rest.subarray(0, to));
        rest = rest.subarray(to + 1);
      }
      if (bytes.length > 0) continue;
      if (!isMoved) await pause(POLL_MS);
      else {
        const next = await open(path, 'r');
        await file.close();
        [file, at, rest] = [next, 0, Buffer.alloc(0)];
      }
    }
  } finally {
    await file.close();
  }
}

/** A log that is moved away has no successor for a moment. */
async function isElsewhere(file: FileHandle, path: string): Promise<boolean> {
  const now = await stat(path).catch(() => undefined);
  return now !== undefined && now.ino !== (await file.stat()).ino;
}

async function readFrom(file: FileHandle, position: number): Promise<Buffer> {
  const buffer = Buffer.alloc(READ_BYTES);
  const { bytesRead } = await file.read(buffer, 0, READ_BYTES, position);
  return buffer.subarray(0, bytesRead);
}

async function* linesOfFile(file: string): AsyncGenerator<AuditLine> {
  let rest: Buffer = Buffer.alloc(0);
  let number = 0;
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let to = bytes.indexOf(NEWLINE); to !== -1; to = bytes.indexOf(NEWLINE, from)) {
      yield { file, number: ++number, text: textOf(bytes.subarray(from, to)), isWhole: true };
      from = to + 1;
    }
    rest = bytes.subarray(from);
  }
  if (rest.length > 0) yield { file, number: number + 1, text: textOf(rest), isWhole: false };
}

/** Bytes that are no UTF-8 must not be taken for those that they look like: they are no text at all. */
function textOf(bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return '';
  }
}
