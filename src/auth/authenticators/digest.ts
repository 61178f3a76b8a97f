import { hash, timingSafeEqual } from 'node:crypto';

/** SHA-256 of a token: what stands for it wherever it is kept. Tokens are random, so no slow hash is needed. */
export function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}

/** The same as text, for maps. */
export function digestKeyOf(token: string): string {
  return hash('sha256', token, 'base64');
}

/** Compares digests in a time that tells nothing of them (W-7). */
export function isSameDigest(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
