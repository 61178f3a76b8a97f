import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { type AppConfig, SECRET_ALGORITHM } from '../../config/index.js';
import type { Refusal } from '../verdict.js';
import type { SignatureCheck, SignatureOutcome } from './signature-check.js';

const FETCH_TIMEOUT_MS = 5_000;
/** Least pause between two fetches that unknown keys lead to: strangers cannot have the issuer asked at will. */
const COOLDOWN_MS = 30_000;
/** A key that the issuer has taken back is gone here after this. */
const MAX_AGE_MS = 600_000;

/**
 * Verifies with the public keys at a URL: fetched when first needed, kept, and fetched again when a token names a key
 * that is not among them, as issuers rotate theirs. A `kid` is compared, and never anything else.
 * @see RFC 7517; RFC 8725 section 3.1
 */
export function publicKeySignatures({ auth }: AppConfig, url: string, cooldownMs = COOLDOWN_MS): SignatureCheck {
  const keys = createRemoteJWKSet(new URL(url), {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: cooldownMs,
    cacheMaxAge: MAX_AGE_MS,
  });
  const algorithms = auth.jwtAlgorithms.filter((algorithm) => algorithm !== SECRET_ALGORITHM);
  return async (token, now) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms,
        clockTolerance: auth.jwtSkewSec,
        currentDate: new Date(now),
      });
      return { claims: payload };
    } catch (error) {
      return outcomeOf(error);
    }
  };
}

function outcomeOf(error: unknown): SignatureOutcome {
  const refused = (reason: Refusal['reason'], isGuess = false): SignatureOutcome => ({ refusal: { reason, isGuess } });
  if (error instanceof errors.JWTExpired) return refused('expired');
  if (error instanceof errors.JWTClaimValidationFailed) {
    return refused(error.claim === 'nbf' ? 'not_yet_valid' : 'claims');
  }
  if (error instanceof errors.JWKSNoMatchingKey) return refused('unknown_key');
  if (error instanceof errors.JWSSignatureVerificationFailed) return refused('signature', true);
  if (isOfToken(error)) return refused('malformed', true);
  return { unavailable: error instanceof Error ? error.message : String(error) };
}

/** Errors that the token led to. All others are of the way to the keys, or of what is there: the token may be good. */
function isOfToken(error: unknown): boolean {
  return [
    errors.JOSEAlgNotAllowed,
    errors.JOSENotSupported,
    errors.JWSInvalid,
    errors.JWTInvalid,
    errors.JWKSMultipleMatchingKeys,
  ].some((type) => error instanceof type);
}
