import { isJsonObject } from '../../common/index.js';

/** What of a token's header decides how it is verified. */
export interface JwtHeader {
  readonly algorithm: string;
}

const FORM = /^([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/;
/** More than any issuer needs; Node takes 16 KiB of headers in all. */
const MAX_TOKEN_CHARS = 8_192;
const MAX_KID_CHARS = 256;
/** Kinds of token that stand for access. @see RFC 8725 section 3.11, RFC 9068 section 2.1 */
const TYPES: ReadonlySet<unknown> = new Set([undefined, 'jwt', 'at+jwt', 'application/jwt', 'application/at+jwt']);

/** Whether a text has the form of a signed token. */
export function looksLikeJwt(token: string): boolean {
  return token.startsWith('ey') && FORM.test(token);
}

/**
 * Reads a header before anything is verified: only to choose the key by its algorithm, and to refuse what no library has
 * to look at.
 * @returns undefined where it is malformed, of another type than access tokens are, or asks for extensions
 */
export function readJwtHeader(token: string): JwtHeader | undefined {
  if (token.length > MAX_TOKEN_CHARS) return undefined;
  const header = parsed(FORM.exec(token)?.[1] ?? '');
  if (!isJsonObject(header)) return undefined;
  const { alg, kid, typ, crit } = header;
  if (typeof alg !== 'string' || crit !== undefined) return undefined;
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KID_CHARS)) return undefined;
  return TYPES.has(typeof typ === 'string' ? typ.toLowerCase() : typ) ? { algorithm: alg } : undefined;
}

function parsed(base64url: string): unknown {
  try {
    return JSON.parse(Buffer.from(base64url, 'base64url').toString('utf8'));
  } catch {
    // Not JSON: the token is malformed, which the caller says.
    return undefined;
  }
}
