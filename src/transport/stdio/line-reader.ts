import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import type { ErrorKind } from '../../common/index.js';

const NEWLINE = 0x0a;

/** A line that cannot be read: what to answer. */
export interface BadLine {
  readonly kind: ErrorKind;
  readonly message: string;
}

const TOO_LONG: BadLine = { kind: 'message_too_large', message: 'Message too large' };
const NOT_UTF8: BadLine = { kind: 'parse_error', message: 'Parse error: the line is not UTF-8' };

/** Cuts a byte stream into lines of UTF-8, each of bounded size. */
export class LineReader {
  private parts: Buffer[] = [];
  private bytes = 0;
  private isSkipping = false;

  /** @param maxBytes of one line, without its line break, >= 1 */
  constructor(private readonly maxBytes: number) {}

  /** @returns each line that is not blank, without its line break, the last one with or without */
  async *lines(input: Readable): AsyncGenerator<string | BadLine> {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
        this.keep(chunk.subarray(from, at));
        from = at + 1;
        const line = this.take();
        if (line !== '') yield line;
      }
      this.keep(chunk.subarray(from));
    }
    const last = this.take();
    if (last !== '') yield last;
  }

  private keep(part: Buffer): void {
    this.bytes += part.length;
    if (this.bytes > this.maxBytes) {
      this.isSkipping = true;
      this.parts = [];
    } else if (!this.isSkipping && part.length > 0) {
      this.parts.push(part);
    }
  }

  private take(): string | BadLine {
    const line = this.isSkipping ? TOO_LONG : decoded(Buffer.concat(this.parts));
    this.parts = [];
    this.bytes = 0;
    this.isSkipping = false;
    return line;
  }
}

/** What is not UTF-8 is refused, not mended: a tool must not get other text than was sent. */
function decoded(bytes: Buffer): string | BadLine {
  return isUtf8(bytes) ? bytes.toString('utf8').trim() : NOT_UTF8;
}
