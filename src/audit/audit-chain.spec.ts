import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AuditChain, ChainCheck, readRecord } from './audit-chain.js';
import { bodyOf, callRecord } from './audit-record.js';

/** A log of a start and some calls. */
function logOf(count: number): string[] {
  const chain = AuditChain.after(undefined);
  const start = chain.seal(bodyOf({ time: 1, type: 'start', salt: 's', previous: null }));
  const calls = Array.from({ length: count }, (_, i) =>
    chain.seal(
      callRecord(
        {
          requestId: `req-${i}`,
          door: 'http',
          principal: `iss/ä"${i}`,
          session: undefined,
          target: 'tool:echo',
          outcome: 'success',
          kind: undefined,
          durationMs: i,
        },
        i,
      ),
    ),
  );
  return [start, ...calls];
}

/** @returns the first line that is refused, from 0, or undefined */
function brokenAt(text: string): number | undefined {
  const check = new ChainCheck();
  const lines = text.split('\n');
  const last = lines.pop();
  const at = lines.findIndex((line) => check.take(line) !== undefined);
  if (at !== -1) return at;
  return last === '' ? undefined : lines.length;
}

const counts = fc.integer({ min: 2, max: 12 });

describe('AuditChain', () => {
  it('W-38 is one line for whoever reads it: what ends or colours lines is escaped, and means the same', () => {
    const name = 'a\u0085b\u2028c\u2029d\u009be\u007f';
    const line = AuditChain.after(undefined).seal(`"name":${JSON.stringify(name)}`);
    expect(line).toMatch(/^[\u0020-\u007e]+\n$/);
    expect(JSON.parse(line)).toMatchObject({ name });
    expect(readRecord(line.trimEnd())).toMatchObject({ seq: 1 });
  });

  it('is a line of JSON for each record, numbered, with a hash over it and the one before', () => {
    const lines = logOf(2);
    const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(records[1]).toMatchObject({
      type: 'call',
      principal: 'iss/ä"0',
      hash: expect.stringMatching(/^[\w-]{43}$/),
    });
    expect(brokenAt(lines.join(''))).toBeUndefined();
    expect(readRecord('{"seq":1}')).toBeUndefined();
  });

  it('goes on after a record that it is told', () => {
    const [first = '', second = ''] = logOf(1);
    const { seq = 0, hash = '' } = readRecord(first.trimEnd()) ?? {};
    const check = new ChainCheck();
    expect([check.take(first.trimEnd()), check.take(second.trimEnd())]).toEqual([undefined, undefined]);
    const chain = AuditChain.after({ seq, hash });
    const fork = chain.fork();
    expect(fork.seal('"a":1')).toBe(chain.seal('"a":1'));
    expect(chain.head.seq).toBe(2);
  });
});

describe('ChainCheck', () => {
  it('finds any byte that was flipped, in the line where it stands or the one after', () => {
    fc.assert(
      fc.property(counts, fc.nat(), fc.integer({ min: 1, max: 255 }), (count, place, mask) => {
        const bytes = Buffer.from(logOf(count).join(''));
        const at = place % bytes.length;
        bytes[at] = (bytes[at] as number) ^ mask;
        const line = bytes.subarray(0, at).filter((byte) => byte === 0x0a).length;
        const broken = brokenAt(bytes.toString('utf8'));
        expect(broken === line || broken === line + 1 || broken === line - 1).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('finds a line that was taken out, unless it is the last', () => {
    fc.assert(
      fc.property(counts, fc.nat(), (count, place) => {
        const lines = logOf(count);
        const at = place % (lines.length - 1);
        lines.splice(at, 1);
        expect(brokenAt(lines.join(''))).toBe(at);
      }),
    );
  });

  it('finds lines that changed places, and one that stands twice', () => {
    fc.assert(
      fc.property(counts, fc.nat(), fc.nat(), (count, one, other) => {
        const lines = logOf(count);
        const [i, j] = [one % lines.length, other % lines.length].sort((a, b) => a - b) as [number, number];
        fc.pre(i !== j);
        const swapped = [...lines];
        [swapped[i], swapped[j]] = [lines[j] as string, lines[i] as string];
        expect(brokenAt(swapped.join(''))).toBe(i);
        lines.splice(j, 0, lines[i] as string);
        expect(brokenAt(lines.join(''))).toBe(j);
      }),
    );
  });

  it('finds a line that was put in, though it has a hash of its own', () => {
    const lines = logOf(5);
    const forged = AuditChain.after({ seq: 2, hash: 'x'.repeat(43) }).seal('"time":1,"type":"call"');
    lines.splice(2, 0, forged);
    expect(brokenAt(lines.join(''))).toBe(2);
  });

  it('finds a line that was cut off, wherever', () => {
    fc.assert(
      fc.property(counts, fc.nat(), (count, place) => {
        const text = logOf(count).join('');
        const cut = text.slice(0, place % text.length);
        const whole = cut.lastIndexOf('\n') + 1;
        fc.pre(whole !== cut.length);
        expect(brokenAt(cut)).toBe(cut.slice(0, whole).split('\n').length - 1);
      }),
    );
  });

  it('takes no chain that does not begin with a start, nor a start that follows another record', () => {
    const lines = logOf(3);
    expect(new ChainCheck().take((lines[1] as string).trimEnd())).toMatch(/is no start/);
    const chain = AuditChain.after(undefined);
    const [first, second] = [
      chain.seal('"type":"start","previous":null'),
      chain.seal('"type":"start","previous":null'),
    ];
    const check = new ChainCheck();
    expect(check.take(first.trimEnd())).toBeUndefined();
    expect(check.take(second.trimEnd())).toMatch(/follows another record/);
  });
});
