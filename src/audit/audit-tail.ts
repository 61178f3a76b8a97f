import { fstatSync, openSync, closeSync, readSync } from 'node:fs';
import type { AuditHead } from './audit-log.js';
import { readRecord } from './audit-chain.js';

const FIRST_READ_BYTES = 65_536;
const NEWLINE = 0x0a;

/** How a file of the log ends. */
export interface AuditTail {
  /** The last whole line, where there is one and it is a record. */
  readonly head: AuditHead | undefined;
  /** Bytes up to and with the last newline. */
  readonly wholeBytes: number;
  /** What follows the last newline: a line that was cut off. */
  readonly torn: Buffer;
}

/** @throws the error of the operating system, ENOENT too */
export function readTail(path: string): AuditTail {
  const fd = openSync(path, 'r');
  try {
    return tailOf(fd);
  } finally {
    closeSync(fd);
  }
}

/** Reads from the end, as much as holds the last whole line. */
function tailOf(fd: number): AuditTail {
  const { size } = fstatSync(fd);
  for (let length = Math.min(size, FIRST_READ_BYTES); ; length = Math.min(size, length * 2)) {
    const end = readAt(fd, size - length, length);
    const last = end.lastIndexOf(NEWLINE);
    const before = last > 0 ? end.lastIndexOf(NEWLINE, last - 1) : -1;
    if (before === -1 && length < size) continue;
    const torn = end.subarray(last + 1);
    const line = last === -1 ? '' : end.subarray(before + 1, last).toString('utf8');
    return { head: readRecord(line), wholeBytes: size - torn.length, torn };
  }
}

function readAt(fd: number, position: number, length: number): Buffer {
  const buffer = Buffer.alloc(length);
  let read = 0;
  while (read < length) {
    const count = readSync(fd, buffer, read, length - read, position + read);
    if (count === 0) break;
    read += count;
  }
  return buffer.subarray(0, read);
}
