// Arbitraries of JSON text: text rather than values, as a value has no duplicate keys, no -0 and no 1e999.
import fc from 'fast-check';

const ATOMS = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '1',
  '-1',
  '1.5',
  '1e999',
  '-1e999',
  '1e-999',
  '9007199254740991',
  '9007199254740992',
  '9007199254740993',
  '123456789012345678901234567890',
  '""',
  '"a"',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u2028\\u2029"',
  '"__proto__"',
  '"é😀"',
  '"\\"\\\\\\""',
  '{}',
  '[]',
] as const;

const POLLUTING = ['__proto__', 'constructor', 'prototype'] as const;
const KEYS = ['', 'a', 'id', 'method', 'params', 'name', 'toString', 'hasOwnProperty', 'length', '0', 'then'] as const;

/** Text of a string, as long as it likes. */
const longString = fc.tuple(fc.constantFrom('a', '\\u0000', '\\\\', '\\"', 'é', ',', '['), fc.nat(20_000)).map(
  // The unit is escaped already.
  ([unit, count]) => `"${unit.repeat(count)}"`,
);

/** Text of a number that is longer than any number is. */
const longNumber = fc.nat(5_000).map((digits) => `${'9'.repeat(digits + 1)}.${'1'.repeat(digits + 1)}`);

const key = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(...KEYS) },
  { weight: 1, arbitrary: fc.constantFrom(...POLLUTING) },
  { weight: 10, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
);

export function objectText(entries: readonly (readonly [name: string, text: string])[]): string {
  return `{${entries.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`;
}

/** Text of any JSON value; keys may come twice, and be such that no message may have them. */
export const junk: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 6, arbitrary: fc.constantFrom(...ATOMS) },
    { weight: 1, arbitrary: fc.double().map((number) => JSON.stringify(number)) },
    { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }).map((text) => JSON.stringify(text)) },
    { weight: 1, arbitrary: fc.oneof(longString, longNumber) },
    { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 5 }).map((items) => `[${items.join(',')}]`) },
    { weight: 3, arbitrary: fc.array(fc.tuple(key, tie('value')), { maxLength: 5 }).map(objectText) },
  ),
})).value;

/** Text of a value that nests deep, whole or broken off. */
export const deep: fc.Arbitrary<string> = fc
  .record({
    opener: fc.constantFrom('[', '{"a":', '[{"a":', '{"__proto__":', '[1,'),
    levels: fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 55, max: 70 }) },
      { weight: 2, arbitrary: fc.integer({ min: 70, max: 2_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 2_000, max: 100_000 }) },
    ),
    isWhole: fc.boolean(),
  })
  .map(({ opener, levels, isWhole }) => {
    const closer = [...opener].reverse().map((char) => CLOSERS[char] ?? '');
    return `${opener.repeat(levels)}1${isWhole ? closer.join('').repeat(levels) : ''}`;
  });

const CLOSERS: Readonly<Record<string, string>> = { '[': ']', '{': '}' };

/** Text of a value with very many entries. */
export const wide: fc.Arbitrary<string> = fc
  .record({
    count: fc.oneof(
      { weight: 5, arbitrary: fc.integer({ min: 1, max: 3_000 }) },
      { weight: 1, arbitrary: fc.integer({ min: 50_000, max: 130_000 }) },
    ),
    form: fc.constantFrom('numbers', 'objects', 'keys', 'one key'),
  })
  .map(({ count, form }) => {
    if (form === 'numbers') return `[${'0,'.repeat(count)}0]`;
    if (form === 'objects') return `[${'{},'.repeat(count)}{}]`;
    if (form === 'one key') return `{${'"a":0,'.repeat(count)}"a":0}`;
    return `{${Array.from({ length: count }, (_, at) => `"k${at}":0`).join(',')}}`;
  });
