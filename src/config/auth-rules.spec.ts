import { describe, expect, it } from '@jest/globals';
import { StartError } from '../common/index.js';
import { AppConfig, type ConfigOverrides } from './app-config.js';
import { authFollowsReach, openBindNeedsConsent } from './auth-rules.js';
import type { Settled } from './rule.js';
import type { Groups } from './schema.js';

const TOKENS = 'alice:operator:h7Jq2mXw9Tz4Lc8Rb1Vn5Ks0Pd3Fg6Ya';
const SECRET = 'h7Jq2mXw9Tz4Lc8Rb1Vn5Ks0Pd3Fg6Yah7Jq2mXw9Tz4Lc8R';
const JWKS = 'https://login.example.com/jwks';
const HTTP = { transports: ['http'] } as const;
const DEFAULTS = AppConfig.of();

function settled({ server, auth }: { server?: Partial<Groups['server']>; auth?: Partial<Groups['auth']> }): Settled {
  const { enabled: _none, ...unset } = DEFAULTS.auth;
  const groups = { ...DEFAULTS, server: { ...DEFAULTS.server, ...server }, auth: { ...unset, ...auth } };
  return { groups, sourceOf: () => 'default' };
}

function faultsOf(overrides: ConfigOverrides): readonly string[] {
  try {
    AppConfig.of(overrides);
  } catch (error) {
    if (error instanceof StartError) return error.faults;
    throw error;
  }
  return [];
}

describe('authFollowsReach', () => {
  const enabledOf = (given: Parameters<typeof settled>[0]): boolean | undefined =>
    authFollowsReach.check(settled(given))?.change?.auth?.enabled;

  it.each(['0.0.0.0', '::', '192.168.1.5', 'example.com', '::ffff:10.0.0.1', '127.example.com'])(
    'K-4 turns authentication on at %s',
    (host) => expect(enabledOf({ server: { ...HTTP, host } })).toBe(true),
  );

  it.each(['127.0.0.1', '127.8.9.1', '::1', 'localhost', 'LOCALHOST', '::ffff:127.0.0.1'])(
    'K-4 leaves it off at %s',
    (host) => expect(enabledOf({ server: { ...HTTP, host } })).toBe(false),
  );

  it.each<[string, Partial<Groups['auth']>]>([
    ['a token', { tokens: TOKENS }],
    ['an API key', { apiKeys: 'x' }],
    ['a secret', { jwtSecret: SECRET }],
    ['a JWKS URL', { jwksUrl: JWKS }],
    ['certificates', { certificateRoles: '*=viewer' }],
  ])('K-4 turns it on on loopback for %s, and says so', (_what, auth) => {
    const finding = authFollowsReach.check(settled({ server: HTTP, auth }));
    expect(finding).toEqual({ change: { auth: { enabled: true } }, warning: expect.stringContaining('auth_implied') });
  });

  it('K-4 leaves alone what somebody said, and stdio', () => {
    expect(authFollowsReach.check(settled({ server: HTTP, auth: { enabled: false, tokens: TOKENS } }))).toBeUndefined();
    expect(enabledOf({ server: { host: '0.0.0.0' }, auth: { tokens: TOKENS } })).toBe(false);
    expect(enabledOf({ server: { ...HTTP, host: '0.0.0.0', allowUnauthenticated: true } })).toBe(false);
  });
});

describe('certificateRolesNeedClientCa', () => {
  const auth = { certificateRoles: '*=viewer' };

  it('S0-28 refuses roles of certificates that nobody is asked for, and says what to do', () => {
    expect(faultsOf({ server: HTTP, auth })).toEqual([expect.stringContaining('--ssl-client-ca')]);
    expect(faultsOf({ server: HTTP, auth, tls: { clientCa: 'ca.crt', enabled: false } })).toHaveLength(1);
  });

  it('S0-28 takes them where clients are asked, and lets stdio be', () => {
    for (const tls of [{ clientCa: 'ca.crt' }, { clientCa: 'ca.crt', clientAuth: 'request' as const }]) {
      expect(faultsOf({ server: HTTP, auth, tls })).toEqual([]);
    }
    expect(faultsOf({ auth })).toEqual([]);
  });
});

describe('openBindNeedsConsent', () => {
  it('K-4 refuses an open host with authentication off, and says what to do', () => {
    const fault = openBindNeedsConsent.check(
      settled({ server: { ...HTTP, host: '0.0.0.0' }, auth: { enabled: false } }),
    )?.fault;
    expect(fault).toContain('The host 0.0.0.0 is not loopback');
    expect(fault).toContain('--allow-unauthenticated');
  });

  it('K-4 asks for nothing with authentication, on stdio, on loopback, or where the operator said so', () => {
    const enabled = { enabled: false };
    for (const given of [
      { server: { ...HTTP, host: '0.0.0.0' }, auth: { enabled: true } },
      { server: { host: '0.0.0.0' }, auth: enabled },
      { server: HTTP, auth: enabled },
      { server: { ...HTTP, host: '0.0.0.0', allowUnauthenticated: true }, auth: enabled },
    ]) {
      expect(openBindNeedsConsent.check(settled(given))).toBeUndefined();
    }
  });
});

describe('algorithmsFollowKeys', () => {
  const algorithmsOf = (auth: NonNullable<ConfigOverrides['auth']>): readonly string[] =>
    AppConfig.of({ auth }).auth.jwtAlgorithms;
  const names = { jwtIssuer: 'https://login.example.com', jwtAudience: ['gatehouse'] };

  it('D-19 allows what the keys that are set are for, and nothing else', () => {
    expect(algorithmsOf({})).toEqual([]);
    expect(algorithmsOf({ jwtSecret: SECRET })).toEqual(['HS256']);
    expect(algorithmsOf({ jwksUrl: JWKS, ...names })).toEqual(['RS256', 'PS256', 'ES256', 'EdDSA']);
    expect(algorithmsOf({ jwksUrl: JWKS, jwtSecret: SECRET, ...names })).toContain('HS256');
    expect(algorithmsOf({ jwksUrl: JWKS, jwtAlgorithms: ['ES384'], ...names })).toEqual(['ES384']);
  });

  it.each<[string, NonNullable<ConfigOverrides['auth']>]>([
    ['a secret without HS256', { jwtSecret: SECRET, jwtAlgorithms: ['RS256'] }],
    ['HS256 without a secret', { jwtAlgorithms: ['HS256'] }],
    ['public keys without their algorithms', { jwksUrl: JWKS, jwtAlgorithms: [], ...names, jwtSecret: SECRET }],
    ['RS256 without public keys', { jwtSecret: SECRET, jwtAlgorithms: ['HS256', 'RS256'] }],
  ])('D-19 refuses %s', (_what, auth) => {
    expect(faultsOf({ auth })).toEqual([expect.stringMatching(/^MCP_JWT_ALGORITHMS must name/)]);
  });

  it.each(['none', 'HS384', 'hs256x'])('D-19 knows no algorithm %s', (name) => {
    expect(faultsOf({ auth: { jwtSecret: SECRET, jwtAlgorithms: [name] } })[0]).toContain('auth.jwtAlgorithms must be');
  });
});

describe('publicKeysNeedNames', () => {
  const server = { publicUrl: 'https://mcp.example.com' };

  it('refuses public keys of nobody, and for anybody', () => {
    expect(faultsOf({ auth: { jwksUrl: JWKS, jwtAudience: ['x'] } })).toEqual([
      expect.stringContaining('MCP_JWT_ISSUER'),
    ]);
    expect(faultsOf({ auth: { jwksUrl: JWKS, jwtIssuer: 'x' } })).toEqual([expect.stringContaining('MCP_PUBLIC_URL')]);
    expect(faultsOf({ server, auth: { jwksUrl: JWKS, jwtIssuer: 'x' } })).toEqual([]);
  });

  it('takes the one authorization server for the issuer', () => {
    const auth = { jwksUrl: JWKS, authorizationServers: ['https://login.example.com/'] };
    expect(AppConfig.of({ server, auth }).auth.jwtIssuer).toBe('https://login.example.com/');
    expect(faultsOf({ auth: { authorizationServers: ['https://login.example.com/'] } })).toEqual([
      expect.stringContaining('needs MCP_PUBLIC_URL and MCP_JWT_JWKS_URL'),
    ]);
  });

  it('warns of keys that come in the clear, but from this machine', () => {
    const auth = { jwtIssuer: 'x', jwtAudience: ['x'] };
    const warnings = (jwksUrl: string): readonly string[] =>
      AppConfig.of({ auth: { ...auth, jwksUrl } }).warnings.filter((warning) => warning.startsWith('insecure'));
    expect(warnings('http://login.example.com/jwks')).toHaveLength(1);
    expect([...warnings(JWKS), ...warnings('http://127.0.0.1:1/jwks'), ...warnings('http://[::1]:1/jwks')]).toEqual([]);
  });
});
