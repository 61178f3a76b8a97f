import type { Clock } from '../common/index.js';
import type { AppConfig } from '../config/index.js';
import { ClientCertificates } from './authenticators/client-certificates.js';
import { JwtCheck } from './authenticators/jwt-check.js';
import type { LocalAdmin } from './authenticators/local-admin.js';
import { StaticTokens } from './authenticators/static-tokens.js';
import { ApiKeyCheck } from './keys/api-key-check.js';
import type { KeyRing } from './keys/key-ring.js';
import type { TokenCheck, Verdict } from './verdict.js';
import { digestOf } from './authenticators/digest.js';

/** Everything that can prove who calls. */
export class CredentialChecks {
  private constructor(
    private readonly tokens: readonly TokenCheck[],
    readonly certificates: ClientCertificates,
  ) {}

  /** Tokens of the settings come before JSON Web Tokens: what is named there is never taken for something else. */
  static async load(config: AppConfig, clock: Clock, local: LocalAdmin, ring: KeyRing): Promise<CredentialChecks> {
    const { tokens, certificateRoles } = config.auth;
    const jwt = await JwtCheck.load(config, clock);
    const checks = [local, new ApiKeyCheck(ring, clock), new StaticTokens(tokens), ...(jwt ? [jwt] : [])];
    return new CredentialChecks(checks, new ClientCertificates(certificateRoles));
  }

  /** @returns undefined where the token is of no kind that is known here */
  judge(token: string): Verdict | undefined | Promise<Verdict> {
    const digest = digestOf(token);
    for (const check of this.tokens) {
      const verdict = check.check(token, digest);
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  }
}
