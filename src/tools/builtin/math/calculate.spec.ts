import { describe, expect, it } from '@jest/globals';
import { ToolError } from '../../../common/index.js';
import { calculate, MAX_EXPRESSION_LENGTH } from './calculate.js';

/** Why an expression has no result; the throw of anything but a ToolError fails the test. */
function fault(expression: string): string {
  try {
    return `no fault: ${calculate(expression)}`;
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    return error.message;
  }
}

const cases = (table: string): [string, string][] =>
  table
    .trim()
    .split('\n')
    .map((line) => line.split('=>').map((part) => part.trim()) as [string, string]);

describe('calculate, as Python works out', () => {
  it.each(
    cases(`
      2 + 2 * 3            => 8
      (2 + 2) * 3          => 12
      10 - 4 - 3           => 3
      100 / 4              => 25
      10 * 5               => 50
      24 / 4 / 2           => 3
      2 * 7 // 3           => 4
      1/3                  => 0.3333333333333333
      0.1 + 0.2            => 0.30000000000000004
      .5 + 5. + 1.5E-3     => 5.5015
      1e3                  => 1000
      1e16                 => 1e+16
      1e-7                 => 1e-7
      0 * -1.0             => 0
    `),
  )('W-1 %s is %s', (expression, result) => {
    expect(calculate(expression)).toBe(result);
  });

  it.each(
    cases(`
      -2 ** 2              => -4
      (-2) ** 2            => 4
      2 ** -1              => 0.5
      2 ** 3 ** 2          => 512
      2 ** -3 ** 2         => 0.001953125
      -2 ** -2             => -0.25
      --5                  => 5
      -+-5                 => 5
      3 - -2               => 5
      2 * -3               => -6
    `),
  )('W-1 signs and powers bind as in Python: %s is %s', (expression, result) => {
    expect(calculate(expression)).toBe(result);
  });

  it.each(
    cases(`
      7 // 2               => 3
      -7 // 2              => -4
      7 // -2              => -4
      -7 // -2             => 3
      7 % 3                => 1
      -7 % 3               => 2
      7 % -3               => -2
      -7 % -3              => -1
      -7.5 // 2            => -4
      -7.5 % 2             => 0.5
      7.5 % -2             => -0.5
      1 // 0.1             => 9
      1.0 % 0.1            => 0.09999999999999995
      -6.0 % 3             => 0
    `),
  )('W-1 floors quotients, and gives the rest the sign of the divisor: %s is %s', (expression, result) => {
    expect(calculate(expression)).toBe(result);
  });

  it.each(
    cases(`
      2**100                       => 1267650600228229401496703205376
      2**64 - 1                    => 18446744073709551615
      10**20 // 3                  => 33333333333333333333
      -(10**20) % 7                => 5
      10**400 / 10**399            => 10
      (10**17 + 1) / 10**17        => 1
      (2**53 + 1) / 1              => 9007199254740992
      1 / 10**400                  => 0
      10 ** -400                   => 0
      1 ** 10**400                 => 1
      (-1) ** (10**400 + 1)        => -1
      0 ** 0                       => 1
    `),
  )('W-1 keeps integers exact: %s is %s', (expression, result) => {
    expect(calculate(expression)).toBe(result);
  });
});

describe('calculate, what has no result', () => {
  it.each(
    cases(`
      9**9**9              => an integer of more than 1000 digits at position 2
      9**9**9**9**9**9     => an integer of more than 1000 digits at position 11
      10**1000             => an integer of more than 1000 digits at position 3
      2**3322              => an integer of more than 1000 digits at position 2
      10**999 * 10         => an integer of more than 1000 digits at position 9
      1e308 * 10           => a result too large for a decimal number at position 7
      10**400 * 1.0        => a result too large for a decimal number at position 9
      10**400 / 3          => a result too large for a decimal number at position 9
      1e400                => the number at position 1 is too large
    `),
  )('W-1 answers %s at once', (expression, why) => {
    const startedAt = performance.now();
    expect(fault(expression)).toBe(`Error calculating: ${why}`);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it('W-1 reaches the cap of digits and no further', () => {
    expect(calculate('9 * 10**999')).toHaveLength(1_000);
    expect(calculate('2**3321')).toHaveLength(1_000);
    expect(calculate(`${'9'.repeat(996)} + 1`)).toBe(`1${'0'.repeat(996)}`);
    expect(fault('-(9 * 10**999) - 10**999')).toContain('more than 1000 digits');
  });

  it.each(
    cases(`
      1 / 0                => division by zero at position 3
      1 // 0               => division by zero at position 3
      1 % 0                => division by zero at position 3
      1.5 / 0.0            => division by zero at position 5
      1.5 // 0             => division by zero at position 5
      1.5 % 0              => division by zero at position 5
      0 ** -1              => division by zero at position 3
      0.0 ** -1            => division by zero at position 5
      (-8) ** 0.5          => a power that is not a real number at position 6
    `),
  )('W-1 names the fault of %s', (expression, why) => {
    expect(fault(expression)).toBe(`Error calculating: ${why}`);
  });

  it.each([
    ['', 'the expression ends where a number should follow'],
    ['   ', 'the expression ends where a number should follow'],
    ['1 +', 'the expression ends where a number should follow'],
    ['(1', "the expression ends where an operator or ')' should follow"],
    ['(1 2', "found '2' at position 4 where an operator or ')' should stand"],
    ['1 2', "found '2' at position 3 where an operator should stand"],
    ['1)', "found ')' at position 2 where an operator should stand"],
    ['()', "found ')' at position 2 where a number should stand"],
    ['2 * / 3', "found '/' at position 5 where a number should stand"],
    ['1.2.3', "found '.3' at position 4 where an operator should stand"],
  ])('W-1 says what it found in %j', (expression, why) => {
    expect(fault(expression)).toBe(`Error calculating: ${why}`);
  });

  it.each(['invalid', '__import__("os")', '1,000', '2j', '0x10', 'a.b', 'x := 1', '"a"', '[1]', '1_000', '٣', '😀'])(
    'W-1 S1-33 knows no names, strings, commas or other signs: %s',
    (expression) => {
      expect(fault(expression)).toMatch(/^Error calculating: unexpected '.*' at position \d+: only numbers/su);
    },
  );

  it('W-1 tells how a power is written', () => {
    expect(fault('2 ^ 3')).toBe("Error calculating: unexpected '^' at position 3: a power is written **");
  });

  it('W-38 shows no control character of the expression', () => {
    expect(fault('1 \u001b[31m')).toContain("unexpected '\\u001b' at position 3");
  });
});

describe('calculate, caps', () => {
  it('W-1 takes 1000 characters and no more', () => {
    expect(calculate('1+'.repeat(499) + '01')).toBe('500');
    expect(calculate('1'.padStart(MAX_EXPRESSION_LENGTH))).toBe('1');
    expect(fault('1'.padStart(MAX_EXPRESSION_LENGTH + 1))).toBe(
      'Error calculating: the expression has 1001 characters, at most 1000 are allowed',
    );
  });

  it.each([
    ['parentheses', (depth: number) => `${'('.repeat(depth)}7${')'.repeat(depth)}`],
    ['signs', (depth: number) => `${'-'.repeat(depth)}7`],
    ['powers', (depth: number) => `7${'**1'.repeat(depth)}`],
  ])('W-1 takes %s 100 deep and no deeper', (_what, nested) => {
    expect(calculate(nested(100))).toBe('7');
    expect(fault(nested(101))).toMatch(/^Error calculating: the expression nests more than 100 deep at position \d+$/);
  });

  it('W-1 does not count as depth what stands side by side', () => {
    expect(calculate(Array(150).fill('(-1)').join('+'))).toBe('-150');
  });
});
