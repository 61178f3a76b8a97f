import { isSameDigest } from '../authenticators/digest.js';
import { refused, TokenCheck, type Verdict } from '../verdict.js';
import { keyIdOf, looksLikeKey } from './key-token.js';
import type { Clock } from '../../common/index.js';
import type { KeyRing } from './key-ring.js';

const NOBODYS = Buffer.alloc(32);

/** API keys, `ghk_<id>_<secret>`. */
export class ApiKeyCheck extends TokenCheck {
  constructor(
    private readonly ring: KeyRing,
    private readonly clock: Clock,
  ) {
    super();
  }

  override check(token: string, digest: Buffer): Verdict | undefined {
    if (!looksLikeKey(token)) return undefined;
    const id = keyIdOf(token);
    if (id === undefined) return refused('malformed');
    const entry = this.ring.get(id);
    // As long for an id that does not exist as for one that does.
    const secrets = entry?.secrets.length ? entry.secrets : [{ hash: NOBODYS, proof: undefined }];
    const found = secrets.filter(({ hash }) => isSameDigest(hash, digest))[0]?.proof;
    if (!entry) return refused('unknown_key');
    if (entry.key.revokedAt !== undefined) return refused('revoked', { keyId: id, isGuess: !isOf(entry.key, digest) });
    if (!found) return refused('wrong_secret', { keyId: id });
    if (found.freshUntil <= this.clock.now()) return refused('expired', { keyId: id, isGuess: false });
    return { proof: found };
  }
}

/** Whether a key that is revoked once had this secret. */
function isOf({ secrets }: { readonly secrets: readonly { readonly hash: string }[] }, digest: Buffer): boolean {
  return secrets.some(({ hash }) => isSameDigest(Buffer.from(hash, 'hex'), digest));
}
