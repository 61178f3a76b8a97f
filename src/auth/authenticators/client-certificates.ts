import { parseCertificateRoles } from '../../config/index.js';
import type { ClientCertificate } from '../authenticator.js';
import { CERTIFICATE_ISSUER } from '../principal.js';
import { frozen, isWithinBounds } from '../principal-bounds.js';
import { refused, type Verdict } from '../verdict.js';

const ANY = '*';

/** Who is behind a client certificate that the handshake has verified (S0-28). */
export class ClientCertificates {
  private readonly roles: ReadonlyMap<string, readonly string[]>;

  /** @param setting value of `MCP_TLS_CLIENT_ROLES` */
  constructor(setting: string | undefined) {
    const entries = setting === undefined ? [] : (parseCertificateRoles(setting) ?? []);
    this.roles = new Map(entries.map(({ subject, roles }) => [subject, roles]));
  }

  /** Whether a certificate alone says who calls. */
  get isConfigured(): boolean {
    return this.roles.size > 0;
  }

  /**
   * The whole distinguished name decides before the common name, and that before `*`.
   * @param now ms since the epoch
   */
  check({ subject, fingerprint, expiresAt = Infinity }: ClientCertificate, now: number): Verdict {
    const roles = this.roles.get(subject) ?? this.roles.get(commonNameOf(subject) ?? ANY) ?? this.roles.get(ANY);
    if (!roles) return refused('unknown_subject', { isGuess: false });
    if (expiresAt <= now) return refused('expired', { isGuess: false });
    const principal = frozen({
      issuer: CERTIFICATE_ISSUER,
      subject,
      roles,
      isAuthenticated: true,
      credentialId: fingerprint,
      ...(expiresAt !== Infinity && { expiresAt }),
    });
    if (!isWithinBounds(principal)) return refused('claims', { isGuess: false });
    return { proof: { principal, method: 'certificate', issuedAt: undefined, freshUntil: expiresAt } };
  }
}

/** One part of a name: up to the next comma or plus that no backslash takes its meaning from. @see RFC 4514 */
const PART = /(?:\\.|[^,+\n\\])+/gs;
const COMMON_NAME = 'CN=';

/** @returns the common name; undefined where there is none, or more than one */
function commonNameOf(subject: string): string | undefined {
  const parts = [...subject.matchAll(PART)].map(([part]) => part.trimStart());
  const names = parts.filter((part) => part.startsWith(COMMON_NAME));
  return names.length === 1 ? names[0]?.slice(COMMON_NAME.length) : undefined;
}
