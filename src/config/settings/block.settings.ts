import { Bool, Int } from '../setting.decorators.js';

const MS_PER_DAY = 86_400_000;

/** Addresses that failed to authenticate too often. */
export class BlockSettings {
  @Bool({ env: 'MCP_BLOCK_ENABLED', default: true, doc: 'Block addresses that fail to authenticate too often.' })
  readonly enabled!: boolean;

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
    max: MS_PER_DAY,
    unit: 'ms',
    doc: 'Length of the sliding window in which failures count.',
  })
  readonly windowMs!: number;

  @Int({
    env: 'MCP_BLOCK_DURATION_MS',
    default: 3_600_000,
    min: 1_000,
    max: MS_PER_DAY,
    unit: 'ms',
    doc: 'How long an address stays blocked.',
  })
  readonly durationMs!: number;
}
