/** Who calls. Bound to issuer and subject, never to a token (DESIGN, decision 3). */
export interface Principal {
  /** Who vouches for the subject: an OAuth issuer, or `gatehouse` for what we name ourselves. */
  readonly issuer: string;
  readonly subject: string;
  /** What the caller may do, by name; from the credential of this request. */
  readonly roles: readonly string[];
  /** Whether a credential proved the subject. Unproven callers are limited per session, not as one. */
  readonly isAuthenticated: boolean;
}
