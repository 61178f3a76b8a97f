import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import type { ErrorKind } from '../../common/index.js';

const NEWLINE = 0x0a;
/** Pieces of one line that are kept apart: a line that comes byte by byte must not cost a buffer for each. */
const MAX_PARTS = 256;

/** A line that cannot be read: what to answer. */
export interface BadLine {
  readonly kind: ErrorKind;
  readonly message: string;
  /** Size of the line. */
  readonly bytes: number;
}

/** Cuts a byte stream into lines of UTF-8, each of bounded size. */
export class LineReader {
  private parts: Buffer[] = [];
  private bytes = 0;
  private isSkipping = false;

  /** @param maxBytes of one line, without its line break, >= 1 */
  constructor(private readonly maxBytes: number) {}

  /** Bytes of the line that has not ended yet, kept or not. */
  get pendingBytes(): number {
    return this.bytes;
  }

  /** @returns each line that is not blank, without its line break, the last one with or without */
  async *lines(input: Readable): AsyncGenerator<string | BadLine> {
    for await (const chunk of input as AsyncIterable<Buffer>) yield* this.push(chunk);
    yield* this.end();
  }

  /** @returns the lines that end in this chunk, without those that are blank */
  push(chunk: Buffer): readonly (string | BadLine)[] {
    const lines: (string | BadLine)[] = [];
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      this.keep(chunk.subarray(from, at));
      from = at + 1;
      lines.push(...this.end());
    }
    this.keep(chunk.subarray(from));
    return lines;
  }

  /** @returns what came after the last line break, where it is not blank */
  end(): readonly (string | BadLine)[] {
    const line = this.take();
    return line === '' ? [] : [line];
  }

  private keep(part: Buffer): void {
    this.bytes += part.length;
    if (this.bytes > this.maxBytes) {
      this.isSkipping = true;
      this.parts = [];
    } else if (!this.isSkipping && part.length > 0) {
      this.parts.push(part);
      if (this.parts.length > MAX_PARTS) this.parts = [Buffer.concat(this.parts)];
    }
  }

  private take(): string | BadLine {
    const line = this.isSkipping ? tooLong(this.bytes) : decoded(Buffer.concat(this.parts));
    this.parts = [];
    this.bytes = 0;
    this.isSkipping = false;
    return line;
  }
}

/** What is not UTF-8 is refused, not mended: a tool must not get other text than was sent. */
function decoded(bytes: Buffer): string | BadLine {
  if (isUtf8(bytes)) return bytes.toString('utf8').trim();
  return { kind: 'parse_error', message: 'Parse error: the line is not UTF-8', bytes: bytes.length };
}

function tooLong(bytes: number): BadLine {
  return { kind: 'message_too_large', message: 'Message too large', bytes };
}
