import { Bool, Enum, Int, List, Path, Text, Url } from '../setting.decorators.js';

export type TransportName = 'stdio' | 'http' | 'websocket' | 'sse' | 'tcp';
export const ROLES = ['viewer', 'operator', 'admin'] as const;

/** Where and how the server listens. */
export class ServerSettings {
  @List({
    env: 'MCP_SERVER_TRANSPORT',
    flag: 'transport',
    default: ['stdio'],
    values: ['stdio', 'http'],
    minItems: 1,
    doc: 'Transports to serve, comma separated.',
  })
  readonly transports!: readonly TransportName[];

  @Text({
    env: 'MCP_SERVER_HOST',
    flag: 'host',
    default: '127.0.0.1',
    format: 'host',
    doc: 'Address to bind. Anything but loopback needs authentication or --allow-unauthenticated.',
  })
  readonly host!: string;

  @Int({
    env: 'MCP_SERVER_PORT',
    flag: 'port',
    default: 8080,
    min: 0,
    max: 65535,
    strict: true,
    doc: 'Port of the HTTP listener; 0 takes any free one.',
  })
  readonly port!: number;

  @List({
    env: 'MCP_MANAGEMENT_PORT',
    flag: 'management-port',
    default: [],
    format: 'port',
    doc: 'Port of a listener of its own for /health and /metrics, on the bound host and without credentials; 0 takes any free one. Several are separated by commas.',
  })
  readonly managementPorts!: readonly string[];

  @Text({
    env: 'MCP_SERVER_NAME',
    flag: 'name',
    default: 'gatehouse',
    minLength: 1,
    maxLength: 128,
    doc: 'Name that clients see as serverInfo.name.',
  })
  readonly name!: string;

  @Path({
    env: 'MCP_CONFIG_FILE',
    flag: 'config',
    notInFile: true,
    doc: 'Settings file, YAML or JSON by its extension.',
  })
  readonly configFile?: string;

  @Int({
    env: 'MCP_SERVER_SHUTDOWN_GRACE_PERIOD',
    flag: 'shutdown-grace',
    default: 30,
    min: 0,
    max: 300,
    unit: 's',
    doc: 'Time that running calls get to finish after SIGTERM.',
  })
  readonly shutdownGraceSec!: number;

  @Url({
    env: 'MCP_PUBLIC_URL',
    flag: 'public-url',
    doc: 'URL under which clients reach the server; its host is an allowed Host.',
  })
  readonly publicUrl?: string;

  @Bool({
    env: 'MCP_ALLOW_UNAUTHENTICATED',
    flag: 'allow-unauthenticated',
    default: false,
    doc: 'Serve without authentication on an address that is not loopback.',
  })
  readonly allowUnauthenticated!: boolean;

  @Enum({ env: 'MCP_STDIO_ROLE', default: 'operator', values: ROLES, doc: 'Role of the one caller on stdio.' })
  readonly stdioRole!: (typeof ROLES)[number];

  @Enum({
    env: 'MCP_ANONYMOUS_ROLE',
    default: 'operator',
    values: ROLES,
    doc: 'Role of a caller while authentication is off.',
  })
  readonly anonymousRole!: (typeof ROLES)[number];
}
