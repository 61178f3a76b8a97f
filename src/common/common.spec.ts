import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { FakeClock } from '../../test/support/fake-clock.js';
import { SystemClock } from './clock.js';
import { explainListenError } from './errors/listen-error.js';
import { newRequestId } from './ids.js';
import { isJsonObject } from './json.js';
import { printable, REDACTED, withoutTokens } from './redact.js';
import { VERSION } from './version.js';

describe('withoutTokens', () => {
  const SECRET = 'Kd93mfQ1zUw7Yb5Ra0Lt8Xe2Vh6Nc4Jp_-a';

  it.each([
    [`Bearer ${SECRET}`, `Bearer ${REDACTED}`],
    [`key:ghk_k7m2xq4bza_${SECRET}`, `key:ghk_k7m2xq4bza_${REDACTED}`],
    [`/admin/keys/ghl_${SECRET}/rotate`, `/admin/keys/ghl_${REDACTED}/rotate`],
    ['/admin/keys/k7m2xq4bza', '/admin/keys/k7m2xq4bza'],
  ])('W-37 takes credentials out, and leaves what names them: %s', (text, shown) => {
    expect(withoutTokens(text)).toBe(shown);
  });
});

describe('printable', () => {
  // eslint-disable-next-line no-control-regex
  const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.integer({ min: 0, max: 0xff }).map((code) => String.fromCharCode(code))).map((chars) => chars.join('')),
    fc.string({ unit: fc.constantFrom('\n', '\r', '\u001b', '\u009b', '\u2028', '\u2029', '\u0000', 'a', 'ä') }),
  );

  it('W-38 lets no control character through', () => {
    fc.assert(
      fc.property(texts, fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }), (text, maxLength) => {
        expect(printable(text, maxLength)).not.toMatch(CONTROL);
      }),
      { numRuns: 1_000 },
    );
  });

  it('W-38 changes nothing else, and keeps apart what was apart', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const shown = printable(text, Number.POSITIVE_INFINITY);
        if (!CONTROL.test(text)) expect(shown).toBe(text);
        if (!text.includes('\\')) expect(JSON.parse(`"${shown.replaceAll('"', '\\"')}"`)).toBe(text);
      }),
      { numRuns: 1_000 },
    );
  });

  it('W-38 no line of a log can be forged', () => {
    expect(printable('x\n2026-01-01 INFO all is well\u001b[2J')).toBe('x\\u000a2026-01-01 INFO all is well\\u001b[2J');
  });

  it('cuts what is too long, and says so', () => {
    expect(printable('abcdef', 3)).toBe('abc…');
    expect(printable('abc', 3)).toBe('abc');
    expect(printable('x'.repeat(500))).toBe(`${'x'.repeat(200)}…`);
    expect(printable('\n\n\n\n', 2)).toBe('\\u000a\\u000a…');
  });

  it('has one word for every secret', () => {
    expect(REDACTED).toBe('***REDACTED***');
  });
});

describe('VERSION', () => {
  it('is that of package.json', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    expect(VERSION).toBe(version);
    expect(VERSION).toMatch(/^\d+\.\d+\.\d+/);
  });
});

describe('newRequestId', () => {
  it('W-20 is a random UUID with a prefix for logs', () => {
    const ids = Array.from({ length: 1_000 }, newRequestId);
    expect(new Set(ids).size).toBe(1_000);
    for (const id of ids)
      expect(id).toMatch(/^req-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});

describe('isJsonObject', () => {
  it('takes objects, and neither null nor arrays', () => {
    expect([{}, Object.create(null), { a: 1 }].map(isJsonObject)).toEqual([true, true, true]);
    expect([null, undefined, [], 'x', 1, true, () => 1].map(isJsonObject)).not.toContain(true);
  });
});

describe('clocks', () => {
  it('tell wall time and a time that only grows', () => {
    const clock = new SystemClock();
    expect(Math.abs(clock.now() - Date.now())).toBeLessThan(1_000);
    const first = clock.monotonic();
    expect(clock.monotonic()).toBeGreaterThanOrEqual(first);
  });

  it('stand still until they are told to go on', () => {
    const clock = new FakeClock(1_000);
    expect([clock.now(), clock.monotonic()]).toEqual([1_000, 0]);
    clock.advance(5);
    expect([clock.now(), clock.monotonic()]).toEqual([1_005, 5]);
  });
});

describe('explainListenError', () => {
  const place = { host: '127.0.0.1', port: 9500, setBy: '--tcp-port' };
  const failed = (code: string): unknown => explainListenError(Object.assign(new Error('listen'), { code }), place);

  it('S2-33, S3-18 names the port, its holder and the way out, whatever listener it was for', () => {
    expect(failed('EADDRINUSE')).toMatchObject({
      name: 'StartError',
      exitCode: 1,
      message:
        'Port 9500 on 127.0.0.1 is in use: find its holder with "ss -ltnp sport = :9500", or take another with --tcp-port.',
    });
    expect((failed('EACCES') as Error).message).toContain('take one above 1023 with --tcp-port');
    expect((failed('EADDRNOTAVAIL') as Error).message).toContain('127.0.0.1 is no address of this machine');
  });

  it('leaves any other error as it is', () => {
    expect(failed('EMFILE')).toMatchObject({ message: 'listen', code: 'EMFILE' });
    expect(explainListenError('words', place)).toBe('words');
  });
});
