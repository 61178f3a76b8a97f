import { Logger } from '@nestjs/common';
import { type Clock, ProtocolError } from '../../common/index.js';
import { type AppConfig, SECRET_ALGORITHM } from '../../config/index.js';
import { refused, TokenCheck, type Verdict } from '../verdict.js';
import { JwtClaims } from './jwt-claims.js';
import { looksLikeJwt, readJwtHeader } from './jwt-header.js';
import type { SignatureCheck } from './signature-check.js';

const FINGERPRINT_CHARS = 16;

/**
 * JSON Web Tokens. The algorithm of the header chooses between the secret and the public keys, and each of them takes
 * its own algorithms alone: no token can have a key used as what it is not.
 * @see DESIGN D-19; RFC 8725 section 3
 */
export class JwtCheck extends TokenCheck {
  private readonly logger = new Logger(JwtCheck.name);
  private readonly claims: JwtClaims;
  private readonly allowed: ReadonlySet<string>;

  private constructor(
    private readonly signatures: { readonly secret?: SignatureCheck; readonly publicKeys?: SignatureCheck },
    private readonly config: AppConfig,
    private readonly clock: Clock,
  ) {
    super();
    this.claims = new JwtClaims(config);
    this.allowed = new Set(config.auth.jwtAlgorithms);
  }

  /** Libraries are loaded only where a key asks for them. @returns undefined where no tokens are taken */
  static async load(config: AppConfig, clock: Clock): Promise<JwtCheck | undefined> {
    const { jwtSecret, jwksUrl } = config.auth;
    if (jwtSecret === undefined && jwksUrl === undefined) return undefined;
    const secret =
      jwtSecret === undefined
        ? {}
        : { secret: (await import('./shared-secret-signatures.js')).sharedSecretSignatures(config, jwtSecret) };
    const publicKeys =
      jwksUrl === undefined
        ? {}
        : { publicKeys: (await import('./public-key-signatures.js')).publicKeySignatures(config, jwksUrl) };
    return new JwtCheck({ ...secret, ...publicKeys }, config, clock);
  }

  override check(token: string, digest: Buffer): Verdict | undefined | Promise<Verdict> {
    if (!looksLikeJwt(token)) return undefined;
    const header = readJwtHeader(token);
    if (!header) return refused('malformed');
    const kind = header.algorithm === SECRET_ALGORITHM ? 'secret' : 'public-key';
    const signature = kind === 'secret' ? this.signatures.secret : this.signatures.publicKeys;
    if (!this.allowed.has(header.algorithm) || !signature) return refused('algorithm');
    return this.verify(token, { signature, kind, digest });
  }

  private async verify(
    token: string,
    {
      signature,
      kind,
      digest,
    }: { readonly signature: SignatureCheck; readonly kind: 'secret' | 'public-key'; readonly digest: Buffer },
  ): Promise<Verdict> {
    const now = this.clock.now();
    const outcome = await signature(token, now);
    if ('refusal' in outcome) return outcome;
    if ('unavailable' in outcome) {
      this.logger.error(`Keys cannot be fetched from ${this.config.auth.jwksUrl}: ${outcome.unavailable}`);
      throw new ProtocolError('auth_unavailable', 'The credential cannot be verified now: try again');
    }
    const fallbackId = `sha256:${digest.toString('hex', 0, FINGERPRINT_CHARS / 2)}`;
    return this.claims.judge(outcome.claims, kind, { now, fallbackId });
  }
}
