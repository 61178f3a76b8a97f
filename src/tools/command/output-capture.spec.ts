import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { OutputCapture } from './output-capture.js';

function captured(maxBytes: number, chunks: readonly Uint8Array[]): OutputCapture {
  const output = new OutputCapture(maxBytes);
  for (const chunk of chunks) output.push(Buffer.from(chunk));
  return output;
}

describe('OutputCapture', () => {
  it('S4-19 keeps a character whole that arrives in two chunks', () => {
    const euro = Buffer.from('€');
    expect(captured(100, [euro.subarray(0, 1), euro.subarray(1)]).text()).toBe('€');
  });

  it('S4-19 leaves out a character that the cap cuts in two', () => {
    const output = captured(4, [Buffer.from('ab€')]);
    expect(output.text()).toBe('ab');
    expect(output.isTruncated).toBe(true);
  });

  it('S4-19 replaces what is no UTF-8, also at the very end', () => {
    expect(captured(100, [Buffer.from([0x61, 0xff, 0x62, 0xe2, 0x82])]).text()).toBe('a\ufffdb\ufffd');
  });

  it('takes exactly its cap without calling that truncated', () => {
    const output = captured(3, [Buffer.from('ab'), Buffer.from('c')]);
    expect([output.text(), output.isTruncated]).toEqual(['abc', false]);
  });

  it('keeps nothing at a cap of 0', () => {
    const output = captured(0, [Buffer.from('a')]);
    expect([output.text(), output.isTruncated]).toEqual(['', true]);
  });

  it('W-29 gives the same text however the bytes were cut into chunks', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 9_000 }), { maxLength: 6 }), (chunks) => {
        const output = captured(1_000_000, chunks);
        expect(output.text()).toBe(Buffer.concat(chunks).toString('utf8'));
        expect(output.isTruncated).toBe(false);
      }),
    );
  });

  it('S4-19 never keeps more than its cap, and a beginning of the whole text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.nat(300), (text, maxBytes) => {
        const bytes = Buffer.from(text);
        const output = captured(maxBytes, [bytes.subarray(0, 7), bytes.subarray(7)]);
        expect(Buffer.byteLength(output.text())).toBeLessThanOrEqual(maxBytes);
        expect(bytes.toString().startsWith(output.text())).toBe(true);
        expect(output.isTruncated).toBe(bytes.length > maxBytes);
      }),
    );
  });
});
