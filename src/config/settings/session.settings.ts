import { Int, Path, Text } from '../setting.decorators.js';

const MS_PER_DAY = 86_400_000;

/** Sessions of the 2025 era. */
export class SessionSettings {
  @Int({
    env: 'MCP_SESSION_TIMEOUT_MS',
    default: 1_800_000,
    min: 1_000,
    max: MS_PER_DAY,
    unit: 'ms',
    doc: 'Idle time after which a session ends.',
  })
  readonly timeoutMs!: number;

  @Int({
    env: 'MCP_SESSION_CLEANUP_INTERVAL_MS',
    default: 60_000,
    min: 1_000,
    max: MS_PER_DAY,
    unit: 'ms',
    doc: 'Pause between sweeps for idle sessions.',
  })
  readonly cleanupIntervalMs!: number;

  @Int({
    env: 'MCP_SESSION_MAX',
    default: 1_000,
    min: 1,
    max: 100_000,
    doc: 'Sessions at once, of all replicas together; the longest idle one gives way.',
  })
  readonly max!: number;

  @Int({
    env: 'MCP_SESSION_MAX_PER_CLIENT',
    default: 10,
    min: 1,
    max: 100_000,
    doc: 'Sessions at once of one authenticated principal.',
  })
  readonly maxPerClient!: number;

  @Int({
    env: 'MCP_SESSION_MAX_AGE_MS',
    default: MS_PER_DAY,
    min: 60_000,
    max: 30 * MS_PER_DAY,
    unit: 'ms',
    doc: 'Age at which a session ends, busy or not.',
  })
  readonly maxAgeMs!: number;

  @Int({
    env: 'MCP_SESSION_RESUME_MS',
    default: 300_000,
    min: 0,
    max: 3_600_000,
    unit: 'ms',
    doc: 'How long a call goes on after its HTTP connection broke.',
  })
  readonly resumeMs!: number;

  @Int({
    env: 'MCP_SESSION_RESUME_EVENTS',
    default: 256,
    min: 0,
    max: 10_000,
    doc: 'Events of one stream that are kept for a client that comes back.',
  })
  readonly resumeEvents!: number;

  @Path({
    env: 'MCP_STATE_DIR',
    flag: 'state-dir',
    doc: 'Folder for what must outlast the process; the default is a folder per port in the state folder of the user.',
  })
  readonly stateDir?: string;

  @Text({
    env: 'MCP_SESSION_KEYS',
    secret: true,
    format: 'session-keys',
    doc: 'Sealing keys, `kid:base64` of 32 bytes each, comma separated; the first seals, all open. Made once in the state folder when unset.',
  })
  readonly keys?: string;
}
