// Bits of a quotient that are worked out: those of a double, and enough beyond to round them rightly.
const QUOTIENT_BITS = 66;

/** Bits of an integer's magnitude; 1 for zero. */
export function bitLength(value: bigint): number {
  return magnitude(value).toString(2).length;
}

/** Rounds towards minus infinity. @param b not zero */
export function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

/** What {@link floorDivide} leaves: it has the sign of the divisor. @param b not zero */
export function floorModulo(a: bigint, b: bigint): bigint {
  const rest = a % b;
  return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
}

/**
 * The double nearest to `a / b`, also where `a` and `b` are too large to be doubles themselves.
 * @param b not zero
 * @returns infinite where no double is large enough
 */
export function divideIntegers(a: bigint, b: bigint): number {
  const shift = QUOTIENT_BITS - (bitLength(a) - bitLength(b));
  const dividend = magnitude(a) << BigInt(Math.max(shift, 0));
  const divisor = magnitude(b) << BigInt(Math.max(-shift, 0));
  // The last bit says whether anything was cut off, so that a tie is told from what only looks like one.
  const cut = dividend % divisor === 0n ? 0n : 1n;
  const quotient = scale(Number((dividend / divisor) | cut), -shift);
  return a < 0n !== b < 0n ? -quotient : quotient;
}

/** `value * 2 ** exponent`, in two steps, as the power alone may be out of range where the product is not. */
function scale(value: number, exponent: number): number {
  const half = Math.trunc(exponent / 2);
  return value * 2 ** half * 2 ** (exponent - half);
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
