import { Bool, Int, List, Text, Url } from '../setting.decorators.js';

/** Algorithms with a key pair: the public half of the key is at the JWKS URL. */
export const PUBLIC_KEY_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;
/** The one algorithm with a shared secret. */
export const SECRET_ALGORITHM = 'HS256';

/** Who may call, and how they prove who they are. */
export class AuthSettings {
  @Bool({
    env: 'MCP_AUTH_ENABLED',
    flag: 'auth',
    doc: 'Callers must prove who they are. When unset: on where the host is not loopback or a credential is configured, else off.',
  })
  readonly enabled?: boolean;

  @Text({
    env: 'MCP_AUTH_TOKENS',
    secret: true,
    format: 'auth-tokens',
    doc: 'Tokens, `name:role[+role]:token[:door[+door]]`, comma separated; doors are http, websocket, sse, tcp, rest.',
  })
  readonly tokens?: string;

  @Text({
    env: 'MCP_API_KEYS',
    secret: true,
    format: 'api-keys',
    doc: 'API keys, `id:sha256:role[+role]`, comma separated; the SHA-256 is of the whole token (`gatehouse keys create --print-setting`).',
  })
  readonly apiKeys?: string;

  @Text({
    env: 'MCP_JWT_SECRET',
    secret: true,
    format: 'jwt-secret',
    doc: 'Secret of JSON Web Tokens with HS256.',
  })
  readonly jwtSecret?: string;

  @Url({ env: 'MCP_JWT_JWKS_URL', doc: 'Where the public keys of JSON Web Tokens are (JWKS).' })
  readonly jwksUrl?: string;

  @Text({
    env: 'MCP_JWT_ISSUER',
    format: 'issuer',
    doc: 'Issuer that a JSON Web Token must name. Needed with a JWKS URL, unless there is one authorization server.',
  })
  readonly jwtIssuer?: string;

  @List({
    env: 'MCP_JWT_AUDIENCE',
    doc: 'Audiences of which a JSON Web Token must name one. With a JWKS URL the default is the public URL.',
  })
  readonly jwtAudience!: readonly string[];

  @List({
    env: 'MCP_JWT_ALGORITHMS',
    values: [SECRET_ALGORITHM, ...PUBLIC_KEY_ALGORITHMS],
    doc: 'Algorithms of JSON Web Tokens. When unset: HS256 with a secret, RS256, PS256, ES256 and EdDSA with a JWKS URL.',
  })
  readonly jwtAlgorithms!: readonly string[];

  @Int({
    env: 'MCP_JWT_SKEW_SEC',
    default: 30,
    min: 0,
    max: 300,
    unit: 's',
    doc: 'How far the clocks of issuers may be off.',
  })
  readonly jwtSkewSec!: number;

  @Text({
    env: 'MCP_JWT_ROLES_CLAIM',
    default: 'roles',
    minLength: 1,
    maxLength: 128,
    doc: 'Claim of a JSON Web Token that has its roles, or the path to it (realm_access.roles): a list, or text with blanks.',
  })
  readonly jwtRolesClaim!: string;

  @List({
    env: 'MCP_JWT_DEFAULT_ROLES',
    default: ['viewer'],
    format: 'role',
    doc: 'Roles of a JSON Web Token that names none.',
  })
  readonly jwtDefaultRoles!: readonly string[];

  @List({
    env: 'MCP_OAUTH_AUTHORIZATION_SERVERS',
    default: [],
    format: 'url',
    doc: 'Issuers whose tokens clients may bring (OAuth 2.1); needs MCP_PUBLIC_URL and MCP_JWT_JWKS_URL.',
  })
  readonly authorizationServers!: readonly string[];

  @List({
    env: 'MCP_OAUTH_SCOPES_SUPPORTED',
    default: [],
    format: 'scope',
    doc: 'Scopes that clients are told to ask the authorization server for.',
  })
  readonly scopesSupported!: readonly string[];

  @Text({
    env: 'MCP_TLS_CLIENT_ROLES',
    format: 'certificate-roles',
    doc: 'Roles of client certificates, `subject=role[+role]`, separated by semicolons; a subject is a distinguished name, a common name, or *.',
  })
  readonly certificateRoles?: string;
}
