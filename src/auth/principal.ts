/** The issuer of whom this server names itself. No token of another issuer may bear it. */
export const ISSUER = 'gatehouse';
/** The issuer of who is known by a client certificate. */
export const CERTIFICATE_ISSUER = 'mtls';

/** Who calls. Bound to issuer and subject, never to a token (DESIGN, decision 3). */
export interface Principal {
  /** Who vouches for the subject: an OAuth issuer, or `gatehouse` for what we name ourselves. */
  readonly issuer: string;
  readonly subject: string;
  /** What the caller may do, by name; from the credential of this request. */
  readonly roles: readonly string[];
  /** Whether a credential proved the subject. Unproven callers are limited per session, not as one. */
  readonly isAuthenticated: boolean;
  /** OAuth scopes of the credential; undefined where it has none, and is not limited by any. */
  readonly scopes?: readonly string[] | undefined;
  /** Names the credential in logs and to whoever revokes it: the id of a key, the `jti` of a token. Never a secret. */
  readonly credentialId?: string | undefined;
  /** When the credential ends, ms since the epoch; undefined where it does not. */
  readonly expiresAt?: number | undefined;
}
