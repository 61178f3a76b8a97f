import { Bool, Int } from '../setting.decorators.js';

/** When an address may not connect for a while. */
export class BlockSettings {
  @Bool({
    env: 'MCP_BLOCK_ENABLED',
    default: true,
    doc: 'Block addresses by themselves; operators can block and lift either way.',
  })
  readonly enabled!: boolean;

  @Int({
    env: 'MCP_BLOCK_RATE_MS',
    default: 0,
    min: 0,
    max: 86_400_000,
    unit: 'ms',
    doc: 'Block of an address that went over a rate limit; 0 blocks nobody for that.',
  })
  readonly rateMs!: number;

  @Int({
    env: 'MCP_BLOCK_DURATION_MS',
    default: 3_600_000,
    min: 1_000,
    max: 86_400_000,
    unit: 'ms',
    doc: 'Block of an address that failed to authenticate too often.',
  })
  readonly durationMs!: number;

  @Int({
    env: 'MCP_BLOCK_MAX_FAILURES',
    default: 3,
    min: 1,
    max: 100,
    doc: 'Wrong credentials from one address, within the window, after which it is blocked.',
  })
  readonly maxFailures!: number;

  @Int({
    env: 'MCP_BLOCK_WINDOW_MS',
    default: 600_000,
    min: 1_000,
    max: 86_400_000,
    unit: 'ms',
    doc: 'Length of the sliding window in which failures count.',
  })
  readonly windowMs!: number;
}
