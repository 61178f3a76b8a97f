import { JwtService } from '@nestjs/jwt';
import { isJsonObject } from '../../common/index.js';
import { type AppConfig, SECRET_ALGORITHM } from '../../config/index.js';
import { type RefusalReason, type Refusal } from '../verdict.js';
import type { SignatureCheck } from './signature-check.js';

const MS_PER_SEC = 1_000;

/** Of the errors of the library, by name. Those are about tokens that were signed well. */
const TIMES: Readonly<Record<string, RefusalReason>> = {
  TokenExpiredError: 'expired',
  NotBeforeError: 'not_yet_valid',
};

/** Verifies with HS256, and nothing else. @param secret >= 32 characters */
export function sharedSecretSignatures({ auth }: AppConfig, secret: string): SignatureCheck {
  const jwt = new JwtService({ secret });
  return (token, now) => {
    try {
      const claims: unknown = jwt.verify(token, {
        algorithms: [SECRET_ALGORITHM],
        clockTimestamp: Math.floor(now / MS_PER_SEC),
        clockTolerance: auth.jwtSkewSec,
      });
      return isJsonObject(claims) ? { claims } : { refusal: { reason: 'claims', isGuess: false } };
    } catch (error) {
      return { refusal: refusalOf(error) };
    }
  };
}

function refusalOf(error: unknown): Refusal {
  const reason = error instanceof Error && Object.hasOwn(TIMES, error.name) ? TIMES[error.name] : undefined;
  return reason ? { reason, isGuess: false } : { reason: 'signature', isGuess: true };
}
