import { createReadStream } from 'node:fs';
import { filesOf } from './audit-files.js';

const NEWLINE = 0x0a;
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
