import { type NamedToken, parseAuthTokens } from '../../config/index.js';
import { ISSUER } from '../principal.js';
import { frozen } from '../principal-bounds.js';
import { type Proof, TokenCheck, type Verdict } from '../verdict.js';
import { digestOf, isSameDigest } from './digest.js';

interface Known {
  readonly digest: Buffer;
  readonly verdict: Verdict;
}

/** Tokens that the settings name (S2-7, S2-12). They end when the settings say so, or a revocation does. */
export class StaticTokens extends TokenCheck {
  private readonly known: readonly Known[];

  /** @param setting value of `MCP_AUTH_TOKENS` */
  constructor(setting: string | undefined) {
    super();
    this.known = setting === undefined ? [] : (parseAuthTokens(setting) ?? []).map(knownOf);
  }

  /** Looks at all of them, whichever it is: the time says nothing. */
  override check(_token: string, digest: Buffer): Verdict | undefined {
    let found: Verdict | undefined;
    for (const { digest: own, verdict } of this.known) if (isSameDigest(own, digest)) found = verdict;
    return found;
  }
}

function knownOf({ name, roles, token, doors }: NamedToken): Known {
  const digest = digestOf(token);
  const proof: Proof = {
    principal: frozen({ issuer: ISSUER, subject: name, roles, isAuthenticated: true, credentialId: `token:${name}` }),
    method: 'token',
    issuedAt: undefined,
    freshUntil: Infinity,
    doors: doors && new Set(doors),
  };
  return { digest, verdict: { proof } };
}
