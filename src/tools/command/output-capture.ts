import { StringDecoder } from 'node:string_decoder';

const FIRST_BYTES = 4_096;

/** Keeps the beginning of a stream, and drops the rest as it comes. */
export class OutputCapture {
  // One buffer that grows: a list of chunks would let a child that writes single bytes cost far more than the cap.
  private kept: Buffer;
  private length = 0;
  private hasMore = false;

  /** @param maxBytes bytes kept, >= 0 */
  constructor(private readonly maxBytes: number) {
    this.kept = Buffer.allocUnsafe(Math.min(FIRST_BYTES, maxBytes));
  }

  /** Whether anything was dropped. */
  get isTruncated(): boolean {
    return this.hasMore;
  }

  push(chunk: Buffer): void {
    const room = this.maxBytes - this.length;
    const taken = chunk.subarray(0, room);
    this.hasMore ||= chunk.length > room;
    this.reserve(this.length + taken.length);
    this.length += taken.copy(this.kept, this.length);
  }

  /**
   * What was kept, as UTF-8: invalid bytes are replaced by U+FFFD, and a character that the cap cut in two is left out.
   */
  text(): string {
    const decoder = new StringDecoder('utf8');
    const whole = decoder.write(this.kept.subarray(0, this.length));
    return this.hasMore ? whole : whole + decoder.end();
  }

  private reserve(bytes: number): void {
    if (bytes <= this.kept.length) return;
    const grown = Buffer.allocUnsafe(Math.min(this.maxBytes, Math.max(bytes, this.kept.length * 2)));
    this.kept.copy(grown, 0, 0, this.length);
    this.kept = grown;
  }
}
