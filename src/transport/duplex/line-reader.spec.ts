import { describe, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { type BadLine, LineReader } from './line-reader.js';

async function read(chunks: readonly (Buffer | string)[], maxBytes = 1_000): Promise<(string | BadLine)[]> {
  const lines: (string | BadLine)[] = [];
  const input = Readable.from(chunks.map((chunk) => Buffer.from(chunk as string)));
  for await (const line of new LineReader(maxBytes).lines(input)) lines.push(line);
  return lines;
}

/** Cuts bytes at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...ends].map((from, i) => bytes.subarray(from, ends[i] ?? bytes.length));
}

const TOO_LONG = { kind: 'message_too_large', message: 'Message too large' };
const NOT_UTF8 = { kind: 'parse_error', message: 'Parse error: the line is not UTF-8' };

describe('LineReader', () => {
  it('S0-2 cuts at line breaks, passes over blank lines, and takes the last one without a break', async () => {
    expect(await read(['a\nb\r\n\n  \n\r\n c \nd'])).toEqual(['a', 'b', 'c', 'd']);
    expect(await read([])).toEqual([]);
    expect(await read(['\n\n'])).toEqual([]);
    expect(await read(['a'])).toEqual(['a']);
  });

  it('W-12 gives the same lines however the bytes come', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.array(fc.constantFrom(...'ab\n\r ä€😀'), { maxLength: 60 }).map((chars) => Buffer.from(chars.join(''))),
      fc
        .array(fc.constantFrom(0x0a, 0x0d, 0x20, 0x61, 0xc3, 0xa4, 0xff), { maxLength: 60 })
        .map((codes) => Buffer.from(codes)),
    );
    const property = fc.asyncProperty(
      bytes,
      fc.array(fc.nat(100), { maxLength: 20 }),
      fc.integer({ min: 1, max: 12 }),
      async (given, places, maxBytes) => {
        const whole = Buffer.from(given);
        const cutUp = await read(cut(whole, places), maxBytes);
        expect(cutUp).toEqual(await read([whole], maxBytes));
        // And the lines are those that a plain split finds.
        const expected = splitAt(whole).flatMap((line): (string | object)[] => {
          if (line.length > maxBytes) return [{ ...TOO_LONG, bytes: line.length }];
          const text = line.toString('utf8');
          if (!Buffer.from(text).equals(line)) return [{ ...NOT_UTF8, bytes: line.length }];
          return text.trim() === '' ? [] : [text.trim()];
        });
        expect(cutUp).toEqual(expected);
      },
    );
    await fc.assert(property, { numRuns: 500 });
  });

  function splitAt(bytes: Buffer): Buffer[] {
    const lines: Buffer[] = [];
    let from = 0;
    for (let at = 0; at <= bytes.length; at++) {
      if (at < bytes.length && bytes[at] !== 0x0a) continue;
      lines.push(bytes.subarray(from, at));
      from = at + 1;
    }
    return lines;
  }

  it('S0-11 tells a line that is too long, once, and reads on after it', async () => {
    const long = 'x'.repeat(11);
    expect(await read([`${'x'.repeat(10)}\n${long}\na`], 10)).toMatchObject(['x'.repeat(10), TOO_LONG, 'a']);
    expect(await read([long.slice(0, 5), long.slice(5), '\n', 'a\n'], 10)).toMatchObject([TOO_LONG, 'a']);
    expect(await read([long], 10)).toMatchObject([TOO_LONG]);
    expect(await read([`${' '.repeat(11)}\n`], 10)).toMatchObject([TOO_LONG]);
  });

  it('keeps nothing of a line that is too long', async () => {
    const reader = new LineReader(10);
    const input = Readable.from(Array.from({ length: 1_000 }, () => Buffer.alloc(1_000, 'x')));
    const reading = reader.lines(input);
    expect((await reading.next()).value).toMatchObject(TOO_LONG);
    expect((reader as unknown as { parts: Buffer[] }).parts).toEqual([]);
  });

  it('W-11 refuses what is not UTF-8, rather than mend it', async () => {
    expect(await read([Buffer.from([0x61, 0xff, 0x0a]), 'b'])).toMatchObject([NOT_UTF8, 'b']);
    const euro = Buffer.from('€\n');
    expect(await read([euro.subarray(0, 1), euro.subarray(1, 2), euro.subarray(2)])).toEqual(['€']);
    expect(await read([euro.subarray(0, 2)])).toMatchObject([NOT_UTF8]);
  });

  it('W-39 keeps few pieces of a line that comes byte by byte, and knows how long it is so far', () => {
    const reader = new LineReader(10_000);
    for (let i = 0; i < 5_000; i++) expect(reader.push(Buffer.from('x'))).toEqual([]);
    expect((reader as unknown as { parts: Buffer[] }).parts.length).toBeLessThan(300);
    expect(reader.pendingBytes).toBe(5_000);
    expect(reader.push(Buffer.from('\n'))).toEqual(['x'.repeat(5_000)]);
    expect([reader.pendingBytes, reader.end()]).toEqual([0, []]);
  });
});
