import { type AppConfig, parseApiKeys, parseAuthTokens, parseCertificateRoles } from '../../config/index.js';

/** A role that a setting gives to callers, and that must exist: one that does not would let them do nothing. */
export interface NamedRole {
  /** Which setting, to stand before "is". */
  readonly setting: string;
  readonly role: string;
}

/** Every role that the settings name, once for each setting. */
export function namedRoles({ server, auth }: AppConfig): readonly NamedRole[] {
  const { tokens, apiKeys, certificateRoles, jwtSecret, jwksUrl, jwtDefaultRoles } = auth;
  const takesJwt = jwtSecret !== undefined || jwksUrl !== undefined;
  return [
    ...once('server.stdioRole', [server.stdioRole]),
    ...once('server.anonymousRole', [server.anonymousRole]),
    ...once('a role of auth.tokens', rolesOf(tokens, parseAuthTokens)),
    ...once('a role of auth.apiKeys', rolesOf(apiKeys, parseApiKeys)),
    ...once('a role of auth.certificateRoles', rolesOf(certificateRoles, parseCertificateRoles)),
    ...once('a role of auth.jwtDefaultRoles', takesJwt ? jwtDefaultRoles : []),
  ];
}

function rolesOf(
  text: string | undefined,
  parse: (text: string) => readonly { readonly roles: readonly string[] }[] | undefined,
): readonly string[] {
  return text === undefined ? [] : (parse(text) ?? []).flatMap(({ roles }) => roles);
}

function once(setting: string, roles: readonly string[]): readonly NamedRole[] {
  return [...new Set(roles)].map((role) => ({ setting, role }));
}
