import { Bool, Int, List, Path, Text, Url } from '../setting.decorators.js';

export type TransportName = 'stdio' | 'http' | 'websocket' | 'sse' | 'tcp';

/** Where and how the server listens. */
export class ServerSettings {
  @List({
    env: 'MCP_SERVER_TRANSPORT',
    flag: 'transport',
    default: ['stdio'],
    values: ['stdio', 'http', 'websocket', 'sse', 'tcp'],
    minItems: 1,
    doc: 'Transports to serve, comma separated. `http` carries Streamable HTTP, WebSocket and legacy SSE on one port; `websocket` and `sse` restrict that port to themselves.',
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

  @Int({
    env: 'MCP_TCP_PORT',
    flag: 'tcp-port',
    default: 9500,
    min: 0,
    max: 65535,
    strict: true,
    doc: 'Port of the TCP listener; 0 takes any free one.',
  })
  readonly tcpPort!: number;

  @Bool({
    env: 'MCP_WS_ROOT_ALIAS',
    flag: 'ws-root-alias',
    default: true,
    doc: 'Take WebSocket clients at the root path too, besides /ws.',
  })
  readonly wsRootAlias!: boolean;

  @List({
    env: 'MCP_TRUSTED_PROXIES',
    flag: 'trusted-proxy',
    default: [],
    format: 'cidr',
    doc: 'Addresses and CIDR blocks of proxies whose X-Forwarded-For says where a request comes from.',
  })
  readonly trustedProxies!: readonly string[];

  @List({
    env: 'MCP_MANAGEMENT_PORT',
    flag: 'management-port',
    default: [],
    format: 'port',
    doc: 'Port of a listener of its own for /health and /metrics, without credentials; 0 takes any free one. Several are separated by commas.',
  })
  readonly managementPorts!: readonly string[];

  @Text({
    env: 'MCP_MANAGEMENT_HOST',
    flag: 'management-host',
    format: 'host',
    doc: 'Address for MCP_MANAGEMENT_PORT and MCP_METRICS_PROMETHEUS_PORT; without it, that of the server.',
  })
  readonly managementHost?: string;

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
    doc: 'Time for the whole end after SIGTERM: running calls get it but for its last 5 s, or its last half where it is short.',
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

  @Text({
    env: 'MCP_STDIO_ROLE',
    default: 'operator',
    format: 'role',
    doc: 'Role of the one caller on stdio: viewer, operator, admin, or one of the roles file.',
  })
  readonly stdioRole!: string;

  @Text({
    env: 'MCP_ANONYMOUS_ROLE',
    default: 'operator',
    format: 'role',
    doc: 'Role of a caller while authentication is off: viewer, operator, admin, or one of the roles file.',
  })
  readonly anonymousRole!: string;

  @Bool({
    env: 'MCP_CONFIG_WATCH',
    flag: 'watch-config',
    default: false,
    doc: 'Read the settings again when their files change, as SIGHUP makes it do.',
  })
  readonly watchConfig!: boolean;
}
