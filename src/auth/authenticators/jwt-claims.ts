import { isJsonObject, type JsonObject } from '../../common/index.js';
import type { AppConfig } from '../../config/index.js';
import { CERTIFICATE_ISSUER, ISSUER, type Principal } from '../principal.js';
import { frozen, isWithinBounds } from '../principal-bounds.js';
import { ProtectedResource } from '../protected-resource.js';
import { refused, type Verdict } from '../verdict.js';

const MS_PER_SEC = 1_000;
const MAX_ID_CHARS = 128;
/** Proofs by keys that can change are looked at again after this. */
const FRESH_MS = 300_000;
/** Issuer of tokens with a shared secret that name none. */
const SECRET_ISSUER = 'jwt';

/** What a token was signed with. */
export type JwtKind = 'secret' | 'public-key';

/**
 * What the claims of a token have to say, and whom they make of the caller. Its signature and times were verified.
 * @see RFC 7519 section 4.1, RFC 8725, RFC 9068
 */
export class JwtClaims {
  private readonly audiences: ReadonlySet<string>;
  private readonly isAudienceNeeded: boolean;

  constructor(private readonly config: AppConfig) {
    const { jwtAudience } = config.auth;
    const own = ProtectedResource.of(config)?.audiences ?? [];
    this.audiences = new Set(jwtAudience.length > 0 ? jwtAudience : own);
    this.isAudienceNeeded = jwtAudience.length > 0;
  }

  /**
   * @param claims the payload
   * @param now ms since the epoch
   * @param fallbackId names the credential where the token has no `jti`
   */
  judge(claims: JsonObject, kind: JwtKind, { now, fallbackId }: { now: number; fallbackId: string }): Verdict {
    const { exp, iat, iss, aud, jti } = claims;
    const { jwtIssuer, jwtSkewSec } = this.config.auth;
    const no = (reason: 'claims' | 'issuer' | 'audience' | 'not_yet_valid'): Verdict =>
      refused(reason, { isGuess: false });
    if (!isTime(exp) || (iat !== undefined && !isTime(iat))) return no('claims');
    const skewMs = jwtSkewSec * MS_PER_SEC;
    if (iat !== undefined && iat * MS_PER_SEC > now + skewMs) return no('not_yet_valid');
    if (!this.isIssuer(iss, kind, jwtIssuer)) return no('issuer');
    if (!this.isAudience(aud, kind)) return no('audience');
    const principal = this.principalOf(claims, kind, {
      credentialId: isId(jti) ? jti : fallbackId,
      expiresAt: exp * MS_PER_SEC + skewMs,
    });
    if (!principal || !isWithinBounds(principal)) return no('claims');
    const { expiresAt = now } = principal;
    const freshUntil = kind === 'secret' ? expiresAt : Math.min(expiresAt, now + FRESH_MS);
    const issuedAt = iat === undefined ? undefined : iat * MS_PER_SEC;
    return { proof: { principal, method: 'jwt', issuedAt, freshUntil } };
  }

  private principalOf(
    claims: JsonObject,
    kind: JwtKind,
    ends: { readonly credentialId: string; readonly expiresAt: number },
  ): Principal | undefined {
    const { jwtRolesClaim, jwtDefaultRoles } = this.config.auth;
    const { iss, sub } = claims;
    const roles = wordsOf(claimAt(claims, jwtRolesClaim)) ?? jwtDefaultRoles;
    const scopes = wordsOf(claims['scope'] ?? claims['scp'] ?? (kind === 'secret' ? undefined : []));
    if (typeof sub !== 'string' || roles === 'unfit' || scopes === 'unfit') return undefined;
    const issuer = typeof iss === 'string' ? iss : SECRET_ISSUER;
    return frozen({ issuer, subject: sub, roles, isAuthenticated: true, ...(scopes && { scopes }), ...ends });
  }

  private isIssuer(iss: unknown, kind: JwtKind, expected: string | undefined): boolean {
    if (expected !== undefined) return iss === expected;
    // With a secret whoever has it may name any issuer, but not us.
    return kind === 'secret' && (iss === undefined || (typeof iss === 'string' && !RESERVED.has(iss)));
  }

  /** A token that names an audience is for nobody else; one with a secret, which is ours alone, need not name any. */
  private isAudience(aud: unknown, kind: JwtKind): boolean {
    if (aud === undefined) return kind === 'secret' && !this.isAudienceNeeded;
    const named: unknown[] = Array.isArray(aud) ? aud : [aud];
    return named.some((name) => typeof name === 'string' && this.audiences.has(name));
  }
}

const RESERVED: ReadonlySet<string> = new Set([ISSUER, CERTIFICATE_ISSUER]);
const MAX_TIME_SEC = 8_640_000_000_000;

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MAX_TIME_SEC;
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_ID_CHARS && /^[\x21-\x7e]+$/.test(value);
}

/** A claim of this very name, or, as some issuers nest theirs, at this path: `realm_access.roles`. */
function claimAt(claims: JsonObject, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let at: unknown = claims;
  for (const part of name.split('.')) at = isJsonObject(at) && Object.hasOwn(at, part) ? at[part] : undefined;
  return at;
}

/** The words of a claim: a list of texts, or one text with blanks. */
function wordsOf(value: unknown): readonly string[] | undefined | 'unfit' {
  if (value === undefined) return undefined;
  if (typeof value === 'string') return [...new Set(value.split(' ').filter((word) => word !== ''))];
  const isList = Array.isArray(value) && value.every((word) => typeof word === 'string');
  return isList ? [...new Set(value)] : 'unfit';
}
