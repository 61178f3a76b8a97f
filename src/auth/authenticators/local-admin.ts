import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ISSUER } from '../principal.js';
import { frozen } from '../principal-bounds.js';
import { refused, TokenCheck, type Verdict } from '../verdict.js';
import { digestOf, isSameDigest } from './digest.js';

const PREFIX = 'ghl_';
const SECRET_BYTES = 32;

/**
 * The credential of whoever can read the state folder of this very process: the command line manages a running server
 * with it. Made anew at each start, and gone with the process.
 */
@Injectable()
export class LocalAdmin extends TokenCheck {
  readonly token = `${PREFIX}${randomBytes(SECRET_BYTES).toString('base64url')}`;
  private readonly digest = digestOf(this.token);
  private readonly verdict: Verdict = {
    proof: {
      principal: frozen({
        issuer: ISSUER,
        subject: 'local-admin',
        roles: ['admin'],
        isAuthenticated: true,
        credentialId: 'local-admin',
      }),
      method: 'local_admin',
      issuedAt: undefined,
      freshUntil: Infinity,
      doors: new Set(['rest']),
    },
  };

  override check(token: string, digest: Buffer): Verdict | undefined {
    if (!token.startsWith(PREFIX)) return undefined;
    return isSameDigest(digest, this.digest) ? this.verdict : refused('wrong_secret', { keyId: 'local-admin' });
  }
}
