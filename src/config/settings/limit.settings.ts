import { Int } from '../setting.decorators.js';

const MAX_CONNECTIONS = 10_000;
const MS_PER_DAY = 86_400_000;

/** What one message, call, session or connection may take. */
export class LimitSettings {
  @Int({
    env: 'MCP_MAX_MESSAGE_BYTES',
    flag: 'max-message-size',
    default: 1_048_576,
    min: 1_024,
    max: 104_857_600,
    unit: 'B',
    doc: 'Size of one message on stdio, WebSocket and TCP; a larger one is answered with an error, and the connection stays.',
  })
  readonly maxMessageBytes!: number;

  @Int({
    env: 'MCP_MAX_BODY_BYTES',
    flag: 'max-body-size',
    default: 10_485_760,
    min: 1_024,
    max: 104_857_600,
    unit: 'B',
    doc: 'Size of an HTTP body.',
  })
  readonly maxBodyBytes!: number;

  @Int({ env: 'MCP_MAX_IN_FLIGHT', default: 32, min: 1, max: 1_000, doc: 'Requests of one session that run at once.' })
  readonly maxInFlight!: number;

  @Int({
    env: 'MCP_MAX_QUEUE',
    flag: 'max-queue',
    default: 100,
    min: 1,
    max: 10_000,
    doc: 'Calls that wait for a free place of one tool; messages that wait for one client to read them, before no more is taken from it.',
  })
  readonly maxQueue!: number;

  @Int({ env: 'MCP_MAX_BATCH', default: 50, min: 1, max: 1_000, doc: 'Messages in one batch (2025-03-26).' })
  readonly maxBatch!: number;

  @Int({ env: 'MCP_LIST_PAGE_SIZE', default: 500, min: 1, max: 10_000, doc: 'Entries on one page of a list.' })
  readonly listPageSize!: number;

  @Int({
    env: 'MCP_MAX_BUFFER_BYTES',
    default: 16_777_216,
    min: 1_024,
    max: 1_073_741_824,
    unit: 'B',
    doc: 'Hard limit of one WebSocket frame, of a TCP line without its end, and of what waits for a client that does not read: over it the connection closes. Never less than the size of a message.',
  })
  readonly maxBufferBytes!: number;

  @Int({
    env: 'MCP_SERVER_MAX_CONNECTIONS',
    flag: 'max-connections',
    default: 100,
    min: 1,
    max: MAX_CONNECTIONS,
    doc: 'WebSocket, SSE and TCP connections at once, all together.',
  })
  readonly maxConnections!: number;

  @Int({
    env: 'MCP_WS_MAX_CONNECTIONS',
    flag: 'ws-max-connections',
    min: 1,
    max: MAX_CONNECTIONS,
    doc: 'WebSocket and SSE connections at once; the default is that of all connections.',
  })
  readonly wsMaxConnections?: number;

  @Int({
    env: 'MCP_TCP_MAX_CONNECTIONS',
    flag: 'tcp-max-connections',
    default: 50,
    min: 1,
    max: MAX_CONNECTIONS,
    doc: 'TCP connections at once.',
  })
  readonly tcpMaxConnections!: number;

  @Int({
    env: 'MCP_MAX_CONNECTIONS_PER_PRINCIPAL',
    default: 10,
    min: 1,
    max: MAX_CONNECTIONS,
    doc: 'Connections at once of one authenticated principal.',
  })
  readonly maxConnectionsPerPrincipal!: number;

  @Int({
    env: 'MCP_WS_IDLE_TIMEOUT_MS',
    default: 300_000,
    min: 0,
    max: MS_PER_DAY,
    unit: 'ms',
    doc: 'Time without any message after which a WebSocket closes; 0 is never, and 10000 the least besides.',
  })
  readonly wsIdleTimeoutMs!: number;

  @Int({
    env: 'MCP_TCP_IDLE_TIMEOUT_MS',
    default: 300_000,
    min: 0,
    max: MS_PER_DAY,
    unit: 'ms',
    doc: 'Time without any message after which a TCP connection closes; 0 is never, and 10000 the least besides.',
  })
  readonly tcpIdleTimeoutMs!: number;

  @Int({
    env: 'MCP_IDLE_CHECK_INTERVAL_MS',
    default: 30_000,
    min: 1_000,
    max: 300_000,
    unit: 'ms',
    doc: 'Pause between looks for idle connections.',
  })
  readonly idleCheckIntervalMs!: number;

  @Int({
    env: 'MCP_PING_INTERVAL_MS',
    default: 30_000,
    min: 1_000,
    max: 300_000,
    unit: 'ms',
    doc: 'Pause between pings on a WebSocket, and on an SSE stream of the older form.',
  })
  readonly pingIntervalMs!: number;

  @Int({
    env: 'MCP_PONG_TIMEOUT_MS',
    default: 10_000,
    min: 1_000,
    max: 300_000,
    unit: 'ms',
    doc: 'Time in which a WebSocket client must answer a ping.',
  })
  readonly pongTimeoutMs!: number;

  @Int({
    env: 'MCP_TCP_AUTH_TIMEOUT_MS',
    default: 10_000,
    min: 1_000,
    max: 60_000,
    unit: 'ms',
    doc: 'Time in which a client that proves itself by its first message must do so.',
  })
  readonly authTimeoutMs!: number;

  @Int({
    env: 'MCP_MONITOR_INTERVAL_MS',
    default: 60_000,
    min: 1_000,
    max: 3_600_000,
    unit: 'ms',
    doc: 'Pause between lines of statistics on connections in the log.',
  })
  readonly monitorIntervalMs!: number;
}
