import { isLoopbackHost } from './loopback.js';
import type { Rule } from './rule.js';
import type { Groups } from './schema.js';
import { PUBLIC_KEY_ALGORITHMS, SECRET_ALGORITHM } from './settings/auth.settings.js';

const DEFAULT_PUBLIC_KEY_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/** Whether a setting gives callers something to prove themselves with. Keys of the state folder are not known here. */
function hasCredentials({ tokens, apiKeys, jwtSecret, jwksUrl, certificateRoles }: Groups['auth']): boolean {
  return [tokens, apiKeys, jwtSecret, jwksUrl, certificateRoles].some((source) => source !== undefined);
}

/** Authentication is on wherever others can reach the server, and wherever somebody gave it credentials (K-4). */
export const authFollowsReach: Rule = {
  reads: ['server.transports', 'server.host', 'server.allowUnauthenticated', 'auth.enabled'],
  check: ({ groups: { server, auth } }) => {
    if (auth.enabled !== undefined) return undefined;
    const network = server.transports.some((transport) => transport !== 'stdio');
    if (network && hasCredentials(auth)) {
      const isExpected = !isLoopbackHost(server.host) && !server.allowUnauthenticated;
      const why = 'a credential is configured, so callers must show one; MCP_AUTH_ENABLED=false says otherwise';
      return {
        change: { auth: { enabled: true } },
        ...(isExpected ? {} : { warning: `config.auth_implied auth.enabled=true: ${why}` }),
      };
    }
    const isOpen = network && !isLoopbackHost(server.host) && !server.allowUnauthenticated;
    return { change: { auth: { enabled: isOpen } } };
  },
};

/** An address that others can reach needs authentication, or a clear word (K-4). */
export const openBindNeedsConsent: Rule = {
  reads: ['server.transports', 'server.host', 'server.allowUnauthenticated', 'auth.enabled'],
  check: ({ groups: { server, auth } }) => {
    const network = server.transports.some((transport) => transport !== 'stdio');
    if (!network || auth.enabled || server.allowUnauthenticated || isLoopbackHost(server.host)) return undefined;
    return {
      fault:
        `The host ${server.host} is not loopback and authentication is off, so anybody who reaches it could call the ` +
        'tools: leave MCP_AUTH_ENABLED out, bind 127.0.0.1, or give --allow-unauthenticated ' +
        '(MCP_ALLOW_UNAUTHENTICATED=true) where something in front lets only the right ones in',
    };
  },
};

/** Each kind of key has its algorithms, and no algorithm is allowed without a key: none can stand in for another. */
export const algorithmsFollowKeys: Rule = {
  reads: ['auth.jwtSecret', 'auth.jwksUrl', 'auth.jwtAlgorithms'],
  check: ({ groups: { auth }, sourceOf }) => {
    const hasSecret = auth.jwtSecret !== undefined;
    const hasKeys = auth.jwksUrl !== undefined;
    if (sourceOf('auth.jwtAlgorithms') === 'default') {
      const jwtAlgorithms = [
        ...(hasSecret ? [SECRET_ALGORITHM] : []),
        ...(hasKeys ? DEFAULT_PUBLIC_KEY_ALGORITHMS : []),
      ];
      return { change: { auth: { jwtAlgorithms } } };
    }
    const named = new Set(auth.jwtAlgorithms);
    const namesPublic = PUBLIC_KEY_ALGORITHMS.some((algorithm) => named.has(algorithm));
    if (named.has(SECRET_ALGORITHM) !== hasSecret) {
      return { fault: 'MCP_JWT_ALGORITHMS must name HS256 where MCP_JWT_SECRET is set, and only there' };
    }
    if (namesPublic !== hasKeys) {
      return {
        fault: `MCP_JWT_ALGORITHMS must name one of ${PUBLIC_KEY_ALGORITHMS.join(', ')} where MCP_JWT_JWKS_URL is set, and only there`,
      };
    }
    return undefined;
  },
};

/** Public keys sign for many: only tokens of a known issuer, made for this server, are for us. */
export const publicKeysNeedNames: Rule = {
  reads: ['auth.jwksUrl', 'auth.jwtIssuer', 'auth.jwtAudience', 'auth.authorizationServers', 'server.publicUrl'],
  check: ({ groups: { auth, server } }) => {
    const { authorizationServers: issuers, jwtIssuer } = auth;
    if (issuers.length > 0 && (server.publicUrl === undefined || auth.jwksUrl === undefined)) {
      return { fault: 'MCP_OAUTH_AUTHORIZATION_SERVERS needs MCP_PUBLIC_URL and MCP_JWT_JWKS_URL' };
    }
    if (auth.jwksUrl === undefined) return undefined;
    if (jwtIssuer === undefined && issuers.length !== 1) {
      return { fault: 'MCP_JWT_JWKS_URL needs MCP_JWT_ISSUER: whose tokens are taken' };
    }
    if (auth.jwtAudience.length === 0 && server.publicUrl === undefined) {
      return { fault: 'MCP_JWT_JWKS_URL needs MCP_JWT_AUDIENCE or MCP_PUBLIC_URL: for whom the tokens are made' };
    }
    return {
      ...(jwtIssuer === undefined ? { change: { auth: { jwtIssuer: issuers[0] as string } } } : {}),
      ...(isPlainHttp(auth.jwksUrl)
        ? {
            warning:
              'insecure_setting auth.jwksUrl: the keys come over plain http, so whoever is on the way can sign tokens; use https',
          }
        : {}),
    };
  },
};

/** A certificate that no client is asked for tells of nobody who they are. */
export const certificateRolesNeedClientCa: Rule = {
  reads: ['server.transports', 'auth.certificateRoles', 'tls.enabled', 'tls.clientAuth'],
  check: ({ groups: { server, auth, tls } }) => {
    const network = server.transports.some((transport) => transport !== 'stdio');
    const isAsked = tls.enabled && tls.clientAuth !== 'none';
    if (!network || auth.certificateRoles === undefined || isAsked) return undefined;
    return {
      fault:
        'MCP_TLS_CLIENT_ROLES is set, and no client is asked for a certificate: ' +
        'give --ssl-client-ca (MCP_TLS_CLIENT_CA), or leave it out',
    };
  },
};

function isPlainHttp(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !isLoopbackHost(hostname.replace(/^\[|\]$/g, ''));
}
