import { Bool, Int } from '../setting.decorators.js';

/** How often. */
export class RateSettings {
  @Bool({ env: 'MCP_RATE_LIMIT_ENABLED', default: true, doc: 'Count messages and tool runs against the limits below.' })
  readonly enabled!: boolean;

  @Int({
    env: 'MCP_RATE_LIMIT_WINDOW_MS',
    default: 60_000,
    min: 1_000,
    max: 3_600_000,
    unit: 'ms',
    doc: 'Length of the sliding window.',
  })
  readonly windowMs!: number;

  @Int({
    env: 'MCP_RATE_LIMIT_MAX',
    flag: 'rate-limit',
    default: 100,
    min: 1,
    max: 100_000,
    doc: 'Messages in one window, per principal, or per session where callers are anonymous.',
  })
  readonly maxMessages!: number;

  @Int({ env: 'MCP_RATE_LIMIT_BURST', default: 0, min: 0, max: 10_000, doc: 'Messages allowed above the limit.' })
  readonly burst!: number;

  @Int({
    env: 'MCP_RATE_LIMIT_CONNECTIONS',
    default: 100,
    min: 1,
    max: 100_000,
    doc: 'Connections in one window from one address.',
  })
  readonly maxConnections!: number;

  @Int({
    env: 'MCP_TOOL_RATE_LIMIT',
    default: 10,
    min: 1,
    max: 10_000,
    unit: 'per 60 s',
    doc: 'Runs of one command tool by one principal.',
  })
  readonly toolRunsPerMinute!: number;

  @Int({
    env: 'MCP_TOOL_TOTAL_RATE',
    min: 1,
    max: 100_000,
    unit: 'per 60 s',
    doc: 'Runs of one command tool by all principals together; unset means no such limit.',
  })
  readonly toolTotalPerMinute?: number;

  @Int({
    env: 'MCP_RATE_LIMIT_REST',
    default: 300,
    min: 1,
    max: 100_000,
    doc: 'REST requests in one window, per principal, or per address where callers are unknown.',
  })
  readonly maxRestRequests!: number;

  @Int({
    env: 'MCP_RATE_LIMIT_MAX_CLIENTS',
    default: 1_000,
    min: 100,
    max: 100_000,
    doc: 'Callers remembered at once; the longest silent one is forgotten first.',
  })
  readonly maxClients!: number;
}
