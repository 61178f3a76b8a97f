import { EXIT, StartError } from '../common/index.js';
import { type AppConfig, isLoopbackHost } from '../config/index.js';

/**
 * A server that lets in only who has a credential, and has given none to anybody, lets in nobody: it says so at the
 * start, and how to make the first.
 * @throws StartError there is no credential
 */
export function assertSomebodyMayCome(config: AppConfig, hasKey: boolean): void {
  const { auth, server } = config;
  const sources = [auth.tokens, auth.jwtSecret, auth.jwksUrl, auth.certificateRoles];
  const network = server.transports.some((transport) => transport !== 'stdio');
  if (!network || !auth.enabled || hasKey || sources.some((source) => source !== undefined)) return;
  const why = isLoopbackHost(server.host)
    ? 'Authentication is on, and there is no credential yet.'
    : `The host ${server.host} is not loopback, so callers must prove who they are, and there is no credential yet.`;
  throw new StartError(
    why,
    [
      'Make the first key, with the flags and settings of this server: gatehouse keys create NAME --role admin',
      'Or set MCP_AUTH_TOKENS, MCP_API_KEYS, MCP_JWT_SECRET, MCP_JWT_JWKS_URL or MCP_TLS_CLIENT_ROLES (docs/authentication.md).',
      ...(isLoopbackHost(server.host)
        ? ['Or leave MCP_AUTH_ENABLED out: on loopback everybody is let in.']
        : [
            'Or give --allow-unauthenticated (MCP_ALLOW_UNAUTHENTICATED=true) where something in front lets only the right ones in.',
          ]),
    ],
    EXIT.config,
  );
}
