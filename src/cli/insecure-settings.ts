import { type AppConfig, isLoopbackHost } from '../config/index.js';

/** A recommendation that is not met. */
export interface InsecureSetting {
  /** The variable to change. */
  readonly setting: string;
  /** What is so, and what to do about it: one line. */
  readonly advice: string;
}

/** What a server that is up can be judged by. */
export interface Exposure {
  readonly config: AppConfig;
  /** Whether callers have to prove who they are. */
  readonly isAuthRequired: boolean;
  /** NODE_ENV of the process. */
  readonly nodeEnv: string | undefined;
}

/** A recommendation: when it is not met, and what to say then. */
interface Recommendation extends InsecureSetting {
  readonly isMissed: (exposure: Exposure) => boolean;
}

/** Everything that is recommended where others can reach the server (S2-38). */
const RECOMMENDATIONS: readonly Recommendation[] = [
  {
    setting: 'MCP_AUTH_ENABLED',
    advice: 'Authentication is off: whoever reaches the port may call the tools. Have callers prove who they are.',
    isMissed: ({ isAuthRequired }) => !isAuthRequired,
  },
  {
    setting: 'MCP_ANONYMOUS_ROLE',
    advice: 'Whoever reaches the port is an admin: give callers without a credential the role viewer or operator.',
    isMissed: ({ config, isAuthRequired }) => !isAuthRequired && config.server.anonymousRole === 'admin',
  },
  {
    setting: 'MCP_TLS_CERT',
    advice:
      'Connections are not encrypted: give a certificate and key, or an https MCP_PUBLIC_URL where a proxy encrypts.',
    isMissed: ({ config: { tls, server } }) => !tls.enabled && server.publicUrl?.startsWith('https:') !== true,
  },
  {
    setting: 'MCP_SERVER_HOST',
    advice:
      'Every address of the machine is bound: bind the one that clients use, or have a firewall let only them in.',
    isMissed: ({ config: { server } }) => server.host === '0.0.0.0' || server.host === '::',
  },
  {
    setting: 'MCP_RATE_LIMIT_ENABLED',
    advice: 'Rate limits are off: one caller can take all that the server has. Switch them on.',
    isMissed: ({ config }) => !config.rate.enabled,
  },
  {
    setting: 'MCP_SECURITY_HEADERS',
    advice: 'Security headers are off: browsers are not told what they may do with an answer. Switch them on.',
    isMissed: ({ config }) => !config.http.securityHeaders,
  },
  {
    setting: 'MCP_AUDIT_FILE',
    advice: 'No audit file is set: calls that succeed leave no trace. Name a file that is kept and watched.',
    isMissed: ({ config }) => config.audit.file === undefined,
  },
  {
    setting: 'MCP_EXPOSE_TOOL_ERRORS',
    advice: 'Callers see whatever a tool throws, which may name hosts, paths and secrets: switch it off.',
    isMissed: ({ config }) => config.tools.exposeErrors,
  },
];

/**
 * Looks at a server that others can reach, or that is in production.
 * @returns the recommendations that it does not meet; none on loopback and on stdio alone
 */
export function insecureSettings(exposure: Exposure): readonly InsecureSetting[] {
  const { host, transports } = exposure.config.server;
  const isNetwork = transports.some((transport) => transport !== 'stdio');
  if (!isNetwork || (isLoopbackHost(host) && exposure.nodeEnv !== 'production')) return [];
  return RECOMMENDATIONS.filter(({ isMissed }) => isMissed(exposure)).map(({ setting, advice }) => ({
    setting,
    advice,
  }));
}
