import type { Readable } from 'node:stream';

const NEWLINE = 0x0a;

/** Cuts a byte stream into lines of UTF-8, each of bounded size. */
export class LineReader {
  private parts: Buffer[] = [];
  private bytes = 0;
  private isSkipping = false;

  /** @param maxBytes of one line, without its line break, >= 1 */
  constructor(private readonly maxBytes: number) {}

  /**
   * @returns each line that is not blank, without its line break, the last one with or without; undefined in place of
   *   one that is too long
   */
  async *lines(input: Readable): AsyncGenerator<string | undefined> {
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

  private take(): string | undefined {
    const line = this.isSkipping ? undefined : Buffer.concat(this.parts).toString('utf8').trim();
    this.parts = [];
    this.bytes = 0;
    this.isSkipping = false;
    return line;
  }
}
