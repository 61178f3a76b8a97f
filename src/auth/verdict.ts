import type { Principal } from './principal.js';

/** Ways to prove who one is, as events name them. */
export type AuthMethod = 'token' | 'api_key' | 'jwt' | 'certificate' | 'local_admin';

/** Why a credential is refused, as the security log says it; callers are not told. */
export type RefusalReason =
  | 'missing_credential'
  | 'unsupported_scheme'
  | 'unknown_token'
  | 'malformed'
  | 'unknown_key'
  | 'wrong_secret'
  | 'unknown_subject'
  | 'algorithm'
  | 'signature'
  | 'expired'
  | 'not_yet_valid'
  | 'issuer'
  | 'audience'
  | 'claims'
  | 'revoked'
  | 'other_door';

/** A credential that holds. */
export interface Proof {
  /** The same object for as long as the credential stays as it is. */
  readonly principal: Principal;
  readonly method: AuthMethod;
  /** When the credential was given, ms since the epoch; undefined where nobody knows, which counts as long ago. */
  readonly issuedAt: number | undefined;
  /** Until when the proof may be kept without looking again, ms since the epoch; `Infinity` for what is told of its end. */
  readonly freshUntil: number;
  /** Doors that the credential opens; undefined means all. */
  readonly doors?: ReadonlySet<string> | undefined;
  /** Notes that the credential was used; called on every use, so it does next to nothing. */
  readonly used?: (() => void) | undefined;
}

/** A credential that does not hold. */
export interface Refusal {
  readonly reason: RefusalReason;
  /** The id of the key that it names, where that is known to be one. Never a secret. */
  readonly keyId?: string | undefined;
  /**
   * Whether somebody may be guessing: such failures are counted, and block an address. A credential that was good once,
   * or is good elsewhere, is nobody's guess.
   */
  readonly isGuess: boolean;
}

/** What came of looking at a credential. */
export type Verdict = { readonly proof: Proof } | { readonly refusal: Refusal };

export function refused(reason: RefusalReason, more: Partial<Omit<Refusal, 'reason'>> = {}): Verdict {
  return { refusal: { reason, isGuess: true, ...more } };
}

/** Judges the tokens of one form. */
export abstract class TokenCheck {
  /**
   * @param token what follows `Bearer`; anything that a caller sent
   * @param digest SHA-256 of the token
   * @returns undefined where the token is none of this kind: the next check looks at it
   * @throws ProtocolError auth_unavailable: what it takes to judge is out of reach
   */
  abstract check(token: string, digest: Buffer): Verdict | undefined | Promise<Verdict>;
}
