import type { JsonObject } from '../../common/index.js';
import type { Verdict } from '../verdict.js';

/** What came of verifying a signature, and the times that it covers. */
export type SignatureOutcome =
  | { readonly claims: JsonObject }
  | Extract<Verdict, { readonly refusal: unknown }>
  /** The keys are out of reach; why, for the log. */
  | { readonly unavailable: string };

/**
 * Verifies signature, expiry and not-before of a token whose algorithm is one of those allowed for the key.
 * @param now ms since the epoch
 */
export type SignatureCheck = (token: string, now: number) => SignatureOutcome | Promise<SignatureOutcome>;
