import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Glob } from './glob.js';

/** The same question to a regular expression, which answers it in another way. */
function expected(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^]*')}$`).test(text);
}

describe('Glob', () => {
  it.each([
    ['echo', 'echo', true],
    ['echo', 'echo2', false],
    ['*', '', true],
    ['db_*', 'db_', true],
    ['db_*', 'xdb_', false],
    ['*_read', 'db_read', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['**', 'anything', true],
    ['a.c', 'abc', false],
  ])('%j and %j: %s', (pattern, text, fits) => {
    expect(new Glob(pattern).matches(text)).toBe(fits);
  });

  it('says what a regular expression would say', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 10 });
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 6 });
    fc.assert(
      fc.property(pattern, text, (one, other) => {
        expect(new Glob(one).matches(other)).toBe(expected(one, other));
      }),
      { numRuns: 2_000 },
    );
  });

  it('fits no text that is too long to be a name', () => {
    expect(new Glob('*').matches('a'.repeat(8_192))).toBe(true);
    expect(new Glob('*').matches('a'.repeat(8_193))).toBe(false);
    expect(new Glob('a*').matches('a'.repeat(8_193))).toBe(false);
  });

  it('knows whether it is exact, and how much it says', () => {
    expect(['echo', '*', 'a*b*c'].map((text) => new Glob(text).isExact)).toEqual([true, false, false]);
    expect(['echo', '*', 'a*bb*c'].map((text) => new Glob(text).weight)).toEqual([4, 0, 4]);
  });
});
