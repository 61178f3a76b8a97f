import { Bool, Enum, Int, List, Path, Text, Url } from './setting.decorators.js';

export const TRANSPORTS = ['stdio', 'http', 'websocket', 'sse', 'tcp'] as const;
export type TransportName = (typeof TRANSPORTS)[number];
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'fatal'] as const;
export const LOG_FORMATS = ['json', 'logfmt', 'text'] as const;

const MS_PER_DAY = 86_400_000;

/** Where and how the server listens. */
export class ServerSettings {
  @List({ env: 'MCP_SERVER_TRANSPORT', flag: 'transport', default: ['stdio'], values: ['stdio', 'http'], doc: 'Transports to serve, comma separated.' })
  readonly transports!: readonly TransportName[];

  @Text({ env: 'MCP_SERVER_HOST', flag: 'host', default: '127.0.0.1', format: 'host', doc: 'Address to bind. Anything but loopback needs authentication or --allow-unauthenticated.' })
  readonly host!: string;

  @Int({ env: 'MCP_SERVER_PORT', flag: 'port', default: 8080, min: 0, max: 65535, strict: true, doc: 'Port of the HTTP listener; 0 takes any free one.' })
  readonly port!: number;

  @Text({ env: 'MCP_SERVER_NAME', flag: 'name', default: 'gatehouse', minLength: 1, maxLength: 128, doc: 'Name that clients see as serverInfo.name.' })
  readonly name!: string;

  @Int({ env: 'MCP_SERVER_SHUTDOWN_GRACE_PERIOD', flag: 'shutdown-grace', default: 30, min: 0, max: 300, unit: 's', doc: 'Time that running calls get to finish after SIGTERM.' })
  readonly shutdownGraceSec!: number;

  @Url({ env: 'MCP_PUBLIC_URL', flag: 'public-url', doc: 'URL under which clients reach the server; its host is an allowed Host.' })
  readonly publicUrl?: string;

  @Bool({ env: 'MCP_ALLOW_UNAUTHENTICATED', flag: 'allow-unauthenticated', default: false, doc: 'Serve without authentication on an address that is not loopback.' })
  readonly allowUnauthenticated!: boolean;

  @Enum({ env: 'MCP_STDIO_ROLE', default: 'operator', values: ROLES, doc: 'Role of the one caller on stdio.' })
  readonly stdioRole!: (typeof ROLES)[number];

  @Enum({ env: 'MCP_ANONYMOUS_ROLE', default: 'operator', values: ROLES, doc: 'Role of a caller while authentication is off.' })
  readonly anonymousRole!: (typeof ROLES)[number];
}

/** The HTTP door. */
export class HttpSettings {
  @List({ env: 'MCP_ALLOWED_HOSTS', default: [], doc: 'Host names, besides the loopback names, the bound host and the public URL, that a Host header may carry.' })
  readonly allowedHosts!: readonly string[];

  @List({ env: 'MCP_CORS_ORIGINS', flag: 'cors-origin', default: [], format: 'origin', doc: 'Origins of browser pages that may call the server, exact.' })
  readonly corsOrigins!: readonly string[];

  @Int({ env: 'MCP_HEADERS_TIMEOUT_MS', default: 10_000, min: 1_000, max: 60_000, unit: 'ms', doc: 'Time in which the headers of a request must arrive.' })
  readonly headersTimeoutMs!: number;

  @Int({ env: 'MCP_BODY_TIMEOUT_MS', default: 30_000, min: 1_000, max: 600_000, unit: 'ms', doc: 'Time in which a whole request must arrive; never less than the headers timeout.' })
  readonly bodyTimeoutMs!: number;

  @Int({ env: 'MCP_KEEP_ALIVE_INTERVAL_MS', default: 15_000, min: 1_000, max: 300_000, unit: 'ms', doc: 'Pause between keep-alive comments on an open stream.' })
  readonly keepAliveMs!: number;
}

/** What one message, call or session may take. */
export class LimitSettings {
  @Int({ env: 'MCP_MAX_MESSAGE_BYTES', flag: 'max-message-size', default: 1_048_576, min: 1_024, max: 104_857_600, unit: 'B', doc: 'Size of one message on stdio.' })
  readonly maxMessageBytes!: number;

  @Int({ env: 'MCP_MAX_BODY_BYTES', flag: 'max-body-size', default: 10_485_760, min: 1_024, max: 104_857_600, unit: 'B', doc: 'Size of an HTTP body.' })
  readonly maxBodyBytes!: number;

  @Int({ env: 'MCP_MAX_IN_FLIGHT', default: 32, min: 1, max: 1_000, doc: 'Requests of one session that run at once.' })
  readonly maxInFlight!: number;

  @Int({ env: 'MCP_MAX_QUEUE', flag: 'max-queue', default: 100, min: 1, max: 10_000, doc: 'Calls that wait for a free place of one tool.' })
  readonly maxQueue!: number;

  @Int({ env: 'MCP_MAX_BATCH', default: 50, min: 1, max: 1_000, doc: 'Messages in one batch (2025-03-26).' })
  readonly maxBatch!: number;

  @Int({ env: 'MCP_LIST_PAGE_SIZE', default: 500, min: 1, max: 10_000, doc: 'Entries on one page of a list.' })
  readonly listPageSize!: number;
}

/** How often. */
export class RateSettings {
  @Bool({ env: 'MCP_RATE_LIMIT_ENABLED', default: true, doc: 'Count messages and tool runs against the limits below.' })
  readonly enabled!: boolean;

  @Int({ env: 'MCP_RATE_LIMIT_WINDOW_MS', default: 60_000, min: 1_000, max: 3_600_000, unit: 'ms', doc: 'Length of the sliding window.' })
  readonly windowMs!: number;

  @Int({ env: 'MCP_RATE_LIMIT_MAX', flag: 'rate-limit', default: 100, min: 1, max: 100_000, doc: 'Messages in one window, per principal, or per session where callers are anonymous.' })
  readonly maxMessages!: number;

  @Int({ env: 'MCP_RATE_LIMIT_BURST', default: 0, min: 0, max: 10_000, doc: 'Messages allowed above the limit.' })
  readonly burst!: number;

  @Int({ env: 'MCP_TOOL_RATE_LIMIT', default: 10, min: 1, max: 10_000, unit: 'per 60 s', doc: 'Runs of one command tool by one principal.' })
  readonly toolRunsPerMinute!: number;

  @Int({ env: 'MCP_RATE_LIMIT_MAX_CLIENTS', default: 1_000, min: 100, max: 100_000, doc: 'Callers remembered at once; the longest silent one is forgotten first.' })
  readonly maxClients!: number;
}

/** Sessions of the 2025 era. */
export class SessionSettings {
  @Int({ env: 'MCP_SESSION_TIMEOUT_MS', default: 1_800_000, min: 1_000, max: MS_PER_DAY, unit: 'ms', doc: 'Idle time after which a session ends.' })
  readonly timeoutMs!: number;

  @Int({ env: 'MCP_SESSION_CLEANUP_INTERVAL_MS', default: 60_000, min: 1_000, max: MS_PER_DAY, unit: 'ms', doc: 'Pause between sweeps for idle sessions.' })
  readonly cleanupIntervalMs!: number;

  @Int({ env: 'MCP_SESSION_MAX', default: 1_000, min: 1, max: 100_000, doc: 'Sessions at once; the longest idle one gives way.' })
  readonly max!: number;

  @Int({ env: 'MCP_SESSION_MAX_PER_CLIENT', default: 10, min: 1, max: 100_000, doc: 'Sessions at once of one authenticated principal.' })
  readonly maxPerClient!: number;

  @Int({ env: 'MCP_SESSION_MAX_AGE_MS', default: MS_PER_DAY, min: 60_000, max: 30 * MS_PER_DAY, unit: 'ms', doc: 'Age at which a session ends, busy or not.' })
  readonly maxAgeMs!: number;

  @Int({ env: 'MCP_SESSION_RESUME_MS', default: 300_000, min: 0, max: 3_600_000, unit: 'ms', doc: 'How long a call goes on after its HTTP connection broke.' })
  readonly resumeMs!: number;

  @Path({ env: 'MCP_STATE_DIR', flag: 'state-dir', doc: 'Folder for what must outlast the process; the default is a folder per port in the state folder of the user.' })
  readonly stateDir?: string;

  @Text({ env: 'MCP_SESSION_KEYS', secret: true, format: 'session-keys', doc: 'Sealing keys, `kid:base64` of 32 bytes each, comma separated; the first seals, all open. Made once in the state folder when unset.' })
  readonly keys?: string;
}

/** Which tools there are, and how they run. */
export class ToolSettings {
  @List({ env: 'TOOL_INCLUDE', flag: 'tools', default: [], doc: 'Tools to enable; empty means all.' })
  readonly include!: readonly string[];

  @List({ env: 'TOOL_EXCLUDE', flag: 'exclude-tools', default: [], doc: 'Tools to switch off; wins over the list above.' })
  readonly exclude!: readonly string[];

  @List({ env: 'MCP_TOOLS_PATH', flag: 'tools-path', default: [], doc: 'Folders, files or packages of plug-ins.' })
  readonly paths!: readonly string[];

  @Int({ env: 'MCP_DEFAULT_TIMEOUT_SEC', default: 300, min: 1, max: 3_600, unit: 's', doc: 'Deadline of a call whose tool sets none.' })
  readonly defaultTimeoutSec!: number;

  @Int({ env: 'MCP_DEFAULT_CONCURRENCY', default: 2, min: 1, max: 100, doc: 'Runs at once of a command tool that sets no number.' })
  readonly defaultConcurrency!: number;

  @Bool({ env: 'MCP_EXPOSE_TOOL_ERRORS', default: false, doc: 'Show callers the message of any error that a tool throws, not only of ToolError.' })
  readonly exposeErrors!: boolean;

  @Int({ env: 'MCP_MAX_ARGS_LEN', default: 2_048, min: 1, max: 10_240, unit: 'B', doc: 'Length of a command line.' })
  readonly maxArgsBytes!: number;

  @Int({ env: 'MCP_MAX_STDOUT_BYTES', default: 1_048_576, min: 1_024, max: 10_485_760, unit: 'B', doc: 'Output of a command that is kept.' })
  readonly maxStdoutBytes!: number;

  @Int({ env: 'MCP_MAX_STDERR_BYTES', default: 262_144, min: 1_024, max: 10_485_760, unit: 'B', doc: 'Error output of a command that is kept.' })
  readonly maxStderrBytes!: number;

  @List({ env: 'MCP_FILES_ROOTS', default: [], format: 'path', doc: 'Folders that list_files may show; empty means the start folder.' })
  readonly filesRoots!: readonly string[];

  @Int({ env: 'MCP_FILES_MAX_ENTRIES', default: 1_000, min: 1, max: 100_000, doc: 'Entries that list_files shows.' })
  readonly filesMaxEntries!: number;

  @Bool({ env: 'MCP_RUN_COMMAND_ENABLED', default: false, doc: 'Offer run_command to admins, for the commands listed below.' })
  readonly runCommandEnabled!: boolean;

  @List({ env: 'MCP_RUN_COMMAND_ALLOW', default: [], doc: 'Commands that run_command may start, by name.' })
  readonly runCommandAllow!: readonly string[];

  @Int({ env: 'MCP_RUN_COMMAND_TIMEOUT_SEC', default: 10, min: 1, max: 300, unit: 's', doc: 'Deadline of run_command.' })
  readonly runCommandTimeoutSec!: number;
}

/** When a tool that keeps failing rests. */
export class BreakerSettings {
  @Int({ env: 'MCP_CIRCUIT_BREAKER_FAILURE_THRESHOLD', default: 5, min: 1, max: 100, doc: 'Failures in a row that open the breaker of a tool.' })
  readonly failureThreshold!: number;

  @Int({ env: 'MCP_CIRCUIT_BREAKER_RECOVERY_TIMEOUT', default: 60, min: 1, max: 600, unit: 's', doc: 'Rest before one call may try again.' })
  readonly recoverySec!: number;
}

/** What is written down. */
export class LoggingSettings {
  @Enum({ env: 'MCP_LOG_LEVEL', flag: 'log-level', default: 'info', values: LOG_LEVELS, doc: 'Least severe line that is written, always to stderr.' })
  readonly level!: (typeof LOG_LEVELS)[number];

  @Enum({ env: 'MCP_LOG_FORMAT', flag: 'log-format', default: 'json', values: LOG_FORMATS, doc: 'Form of a log line.' })
  readonly format!: (typeof LOG_FORMATS)[number];

  @Path({ env: 'MCP_AUDIT_FILE', doc: 'File to which every call and denial is appended, one JSON object a line; unset, they go to the log.' })
  readonly auditFile?: string;
}
