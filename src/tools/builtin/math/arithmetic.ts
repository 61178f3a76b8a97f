import { bitLength, divideIntegers, floorDivide, floorModulo } from './integers.js';

/** A number as Python has it: an exact integer, or a double. Never NaN or infinite. */
export type Value = bigint | number;

/** Operators of two operands. */
export type Operator = '+' | '-' | '*' | '/' | '//' | '%' | '**';

/** Why an operation has no result, in words for a model. */
export type Fault = (typeof FAULTS)[keyof typeof FAULTS];

/** Decimal digits that an exact integer may have. */
const MAX_DIGITS = 1_000;

const FAULTS = {
  divisionByZero: 'division by zero',
  tooManyDigits: `an integer of more than ${MAX_DIGITS} digits`,
  tooLarge: 'a result too large for a decimal number',
  notReal: 'a power that is not a real number',
} as const;

const LIMIT = 10n ** BigInt(MAX_DIGITS);
const LIMIT_BITS = BigInt(bitLength(LIMIT));
// From here on the digits of a double are no longer all known, so it is not written as an integer.
const LAST_PLAIN = 1e16;

/**
 * Applies an operator as Python does: integers stay exact, `/` and anything with a decimal number gives a double.
 * @returns the value; or a fault, always within microseconds, however large the result would be
 */
export function apply(operator: Operator, left: Value, right: Value): Value | Fault {
  if (typeof left === 'bigint' && typeof right === 'bigint') return bounded(ON_INTEGERS[operator](left, right));
  const [a, b] = [Number(left), Number(right)];
  if (!Number.isFinite(a) || !Number.isFinite(b)) return FAULTS.tooLarge;
  return bounded(ON_DOUBLES[operator](a, b));
}

/** Whether a value is within the bounds of results, else the fault that says which it breaks. */
export function bounded(result: Value | Fault): Value | Fault {
  if (typeof result === 'bigint') return result < LIMIT && result > -LIMIT ? result : FAULTS.tooManyDigits;
  if (typeof result === 'number') return Number.isFinite(result) ? result : FAULTS.tooLarge;
  return result;
}

/** Writes a value: whole numbers without decimals, doubles with the fewest digits that read back the same. */
export function formatValue(value: Value): string {
  if (typeof value === 'number' && Math.abs(value) >= LAST_PLAIN) return value.toExponential();
  return String(value);
}

const ON_INTEGERS: Record<Operator, (a: bigint, b: bigint) => Value | Fault> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => (b === 0n ? FAULTS.divisionByZero : divideIntegers(a, b)),
  '//': (a, b) => (b === 0n ? FAULTS.divisionByZero : floorDivide(a, b)),
  '%': (a, b) => (b === 0n ? FAULTS.divisionByZero : floorModulo(a, b)),
  '**': (a, b) => (b < 0n ? reciprocalPower(a, -b) : integerPower(a, b)),
};

const ON_DOUBLES: Record<Operator, (a: number, b: number) => Value | Fault> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => (b === 0 ? FAULTS.divisionByZero : a / b),
  '//': (a, b) => (b === 0 ? FAULTS.divisionByZero : floorDivideDoubles(a, b)),
  '%': (a, b) => (b === 0 ? FAULTS.divisionByZero : moduloDoubles(a, b)),
  '**': powerOfDoubles,
};

function integerPower(base: bigint, exponent: bigint): bigint | Fault {
  if (base >= -1n && base <= 1n) return trivialPower(base, exponent);
  // Decided before the power is worked out: that alone could take for ever (W-1).
  return isPowerOverLimit(base, exponent) ? FAULTS.tooManyDigits : base ** exponent;
}

/** `base ** -exponent`, a double. @param exponent > 0 */
function reciprocalPower(base: bigint, exponent: bigint): number | Fault {
  if (base === 0n) return FAULTS.divisionByZero;
  if (base >= -1n && base <= 1n) return Number(trivialPower(base, exponent));
  return isPowerOverLimit(base, exponent) ? 0 : divideIntegers(1n, base ** exponent);
}

/** Powers of -1, 0 and 1, which stay small at any exponent. @param exponent >= 0 */
function trivialPower(base: bigint, exponent: bigint): bigint {
  if (exponent === 0n) return 1n;
  return base === -1n && exponent % 2n === 0n ? 1n : base;
}

/** Whether a power is over the limit for sure; where it is not, working it out is cheap. @param exponent >= 0 */
function isPowerOverLimit(base: bigint, exponent: bigint): boolean {
  return BigInt(bitLength(base) - 1) * exponent >= LIMIT_BITS;
}

function powerOfDoubles(base: number, exponent: number): number | Fault {
  if (base === 0 && exponent < 0) return FAULTS.divisionByZero;
  if (base < 0 && !Number.isInteger(exponent)) return FAULTS.notReal;
  return base ** exponent;
}

function moduloDoubles(a: number, b: number): number {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
}

/** As CPython does it: from the remainder, as `Math.floor(a / b)` is one off where the quotient was rounded up. */
function floorDivideDoubles(a: number, b: number): number {
  const rest = a % b;
  const quotient = (a - rest) / b - (rest !== 0 && rest < 0 !== b < 0 ? 1 : 0);
  const floor = Math.floor(quotient);
  return quotient - floor > 0.5 ? floor + 1 : floor;
}
