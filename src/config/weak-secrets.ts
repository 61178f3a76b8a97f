/** Least characters of a token or secret (S2-13). */
const MIN_SECRET_CHARS = 32;
/** A random text of 32 characters has more, also where it is hexadecimal. */
const MIN_DISTINCT_CHARS = 8;

/** What stands in samples and in documentation for a secret that somebody is to make up. */
const SAMPLE =
  /your[-_ ]|change[-_ ]?(me|this|it)|example|sample|placeholder|replace[-_ ]?(me|this|with)|insert[-_ ]|secret[-_ ]?(key|token)|minimum|default|password|0123456789|1234567890|abcdefgh/i;

/**
 * Whether a secret is one that others may know or guess: too short, of a few characters alone, or copied from a sample
 * (S2-13, W-7).
 */
export function isWeakSecret(secret: string): boolean {
  return secret.length < MIN_SECRET_CHARS || new Set(secret).size < MIN_DISTINCT_CHARS || SAMPLE.test(secret);
}
