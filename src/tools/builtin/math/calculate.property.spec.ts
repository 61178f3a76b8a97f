import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ToolError } from '../../../common/index.js';
import { calculate } from './calculate.js';

type Tree =
  | { readonly value: number }
  | { readonly sign: '-' | '+'; readonly of: Tree }
  | { readonly operator: string; readonly left: Tree; readonly right: Tree };

/** How tight an operator binds in Python, and whether it takes its own like on a side without parentheses. */
const BINDING: Record<string, { readonly level: number; readonly left: number; readonly right: number }> = {
  '+': { level: 1, left: 1, right: 2 },
  '-': { level: 1, left: 1, right: 2 },
  '*': { level: 2, left: 2, right: 3 },
  '/': { level: 2, left: 2, right: 3 },
  '//': { level: 2, left: 2, right: 3 },
  '%': { level: 2, left: 2, right: 3 },
  '**': { level: 4, left: 5, right: 3 },
};
const SIGN_LEVEL = 3;

const levelOf = (tree: Tree): number =>
  'value' in tree ? 5 : 'sign' in tree ? SIGN_LEVEL : (BINDING[tree.operator]?.level ?? 0);

/** Writes a tree with no more parentheses than it needs, and `blank` around each token. */
function write(tree: Tree, blank: string, atLeast = 0): string {
  if (levelOf(tree) < atLeast) return `(${blank}${write(tree, blank)}${blank})`;
  if ('value' in tree) return String(tree.value);
  if ('sign' in tree) return `${tree.sign}${blank}${write(tree.of, blank, SIGN_LEVEL)}`;
  const { left = 0, right = 0 } = BINDING[tree.operator] ?? {};
  return [write(tree.left, blank, left), tree.operator, write(tree.right, blank, right)].join(blank);
}

/** Works a tree out by other means: undefined where there is no result. */
type Oracle<T> = (operator: string, left: T, right: T) => T | undefined;

function valueOf<T>(tree: Tree, leaf: (value: number) => T, apply: Oracle<T>): T | undefined {
  if ('value' in tree) return leaf(tree.value);
  if ('sign' in tree) {
    const of = valueOf(tree.of, leaf, apply);
    return of === undefined || tree.sign === '+' ? of : apply('-', leaf(0), of);
  }
  const left = valueOf(tree.left, leaf, apply);
  const right = valueOf(tree.right, leaf, apply);
  return left === undefined || right === undefined ? undefined : apply(tree.operator, left, right);
}

function trees(operators: readonly string[], leaf: fc.Arbitrary<number>): fc.Arbitrary<Tree> {
  return fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      fc.record({ value: leaf }),
      fc.record({ sign: fc.constantFrom('-' as const, '+' as const), of: tie('tree') }),
      fc.record({ operator: fc.constantFrom(...operators), left: tie('tree'), right: tie('tree') }),
    ),
  })).tree;
}

/** The result, or undefined for a ToolError; anything else that is thrown fails the test. */
function result(expression: string): string | undefined {
  try {
    return calculate(expression);
  } catch (error) {
    if (error instanceof ToolError && error.message.startsWith('Error calculating: ')) return undefined;
    throw error;
  }
}

const blanks = fc.constantFrom('', ' ', ' \t\n');
const short = ([tree, blank]: readonly [Tree, string]): boolean => write(tree, blank).length <= 1_000;

describe('calculate, against an oracle', () => {
  it('W-1 works out integers as BigInt does, with the precedence of Python', () => {
    const floor = (a: bigint, b: bigint): bigint => {
      const rest = ((a % b) + b) % b;
      return (a - rest) / b;
    };
    const onIntegers: Oracle<bigint> = (operator, a, b) => {
      switch (operator) {
        case '+':
          return a + b;
        case '-':
          return a - b;
        case '*':
          return a * b;
        case '//':
          return b === 0n ? undefined : floor(a, b);
        case '%':
          return b === 0n ? undefined : a - floor(a, b) * b;
        default:
          return undefined;
      }
    };
    const tree = trees(['+', '-', '*', '//', '%'], fc.nat(1_000_000));
    fc.assert(
      fc.property(fc.tuple(tree, blanks).filter(short), ([expression, blank]) => {
        expect(result(write(expression, blank))).toBe(valueOf(expression, BigInt, onIntegers)?.toString());
      }),
      { numRuns: 1_000 },
    );
  });

  it('W-1 works out powers of small integers as repeated multiplication does', () => {
    const MAX = 10n ** 1_000n;
    const repeated = (base: bigint, exponent: bigint): bigint | undefined => {
      let power = 1n;
      for (let n = 0n; n < exponent; n++) {
        power *= base;
        if (power >= MAX || power <= -MAX) return undefined;
        if (power === 0n || (power === 1n && base === 1n)) return power;
      }
      return power;
    };
    fc.assert(
      fc.property(fc.integer({ min: -50, max: 50 }), fc.nat(4_000), (base, exponent) => {
        fc.pre(base !== -1);
        const expected = repeated(BigInt(base), BigInt(exponent))?.toString();
        expect(result(`(${base}) ** ${exponent}`)).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('W-1 groups powers from the right and signs around them', () => {
    const onPowers: Oracle<bigint> = (operator, a, b) => {
      if (operator === '-') return a - b;
      // The oracle is for how operators group: what is large or no integer is the business of other tests.
      return b < 0n || b > 9n || a > 99n || a < -99n ? undefined : a ** b;
    };
    const tree = trees(['**', '-'], fc.nat(3));
    fc.assert(
      fc.property(fc.tuple(tree, blanks).filter(short), ([expression, blank]) => {
        const expected = valueOf(expression, BigInt, onPowers);
        fc.pre(expected !== undefined);
        expect(result(write(expression, blank))).toBe(expected?.toString());
      }),
      { numRuns: 500 },
    );
  });

  it('W-1 works out decimal numbers as doubles are', () => {
    const onDoubles: Oracle<number> = (operator, a, b) => {
      if (operator === '/' && b === 0) return undefined;
      const value = operator === '+' ? a + b : operator === '-' ? a - b : operator === '*' ? a * b : a / b;
      return Number.isFinite(value) ? value : undefined;
    };
    const leaf = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((value) => value + 0.5);
    const tree = trees(
      ['+', '-', '*', '/'],
      leaf.filter((value) => !Number.isInteger(value)),
    );
    fc.assert(
      fc.property(fc.tuple(tree, blanks).filter(short), ([expression, blank]) => {
        const expected = valueOf(expression, Number, onDoubles);
        const actual = result(write(expression, blank));
        expect(actual === undefined ? undefined : Number(actual)).toEqual(expected === 0 ? 0 : expected);
      }),
      { numRuns: 1_000 },
    );
  });

  it('W-1 divides integers of any size to the nearest double', () => {
    const digits = fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n });
    fc.assert(
      fc.property(
        digits,
        digits.filter((n) => n !== 0n),
        (a, b) => {
          const quotient = Number(result(`(${a}) / (${b})`));
          // No neighbour may be closer to the exact quotient; the distances are compared as fractions over one divisor.
          const distance = (value: number): bigint => {
            const [numerator, denominator] = fractionOf(value);
            const off = numerator * b - a * denominator;
            return (off < 0n ? -off : off) * (SCALE / denominator);
          };
          for (const neighbour of [quotient * (1 + Number.EPSILON), quotient * (1 - Number.EPSILON)]) {
            expect(distance(quotient)).toBeLessThanOrEqual(distance(neighbour));
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

// A power of two over which every double of the property above is a fraction.
const SCALE = 2n ** 1_100n;

/** A double as an exact fraction. */
function fractionOf(value: number): readonly [bigint, bigint] {
  let [scaled, denominator] = [value, 1n];
  while (!Number.isInteger(scaled)) [scaled, denominator] = [scaled * 2, denominator * 2n];
  return [BigInt(scaled), denominator];
}

describe('calculate, on junk', () => {
  it.each([
    ['any text', fc.string({ unit: 'binary', maxLength: 1_000 })],
    [
      'tokens in any order',
      fc
        .array(fc.constantFrom('9', '0', '1e9', '.5', '(', ')', '+', '-', '*', '**', '/', '//', '%', ' ', '99999999'), {
          maxLength: 200,
        })
        .map((tokens) => tokens.join('')),
    ],
    [
      'numbers and operators in turn',
      fc
        .array(fc.tuple(fc.constantFrom('9', '3', '0.1', '99999', '-7'), fc.constantFrom('**', '*', '//', '%', '-')))
        .map((pairs) => `${pairs.map((pair) => pair.join('')).join('')}2`),
    ],
  ])('W-1 answers %s soon: a number or a ToolError', (_what, expressions) => {
    fc.assert(
      fc.property(expressions, (expression) => {
        const startedAt = performance.now();
        const answer = result(expression);
        expect(performance.now() - startedAt).toBeLessThan(1_000);
        if (answer !== undefined) expect(answer).toMatch(/^-?\d+(\.\d+)?(e[+-]\d+)?$/);
      }),
      { numRuns: 1_000 },
    );
  });
});
