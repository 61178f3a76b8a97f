import { Int } from '../setting.decorators.js';

/** What an operator sets for one tool, above what its author wrote; `<NAME>` is the tool's override key. */
export class ToolOverride {
  @Int({ env: 'TOOL_<NAME>_TIMEOUT', min: 1, max: 3_600, unit: 's', doc: 'Deadline of a call of this tool.' })
  readonly timeoutSec?: number;

  @Int({ env: 'TOOL_<NAME>_CONCURRENCY', min: 1, max: 100, doc: 'Runs of this tool at once.' })
  readonly concurrency?: number;

  @Int({
    env: 'TOOL_<NAME>_RATE',
    min: 1,
    max: 10_000,
    unit: 'per 60 s',
    doc: 'Runs of this tool by one principal.',
  })
  readonly runsPerMinute?: number;

  @Int({
    env: 'TOOL_<NAME>_TOTAL_RATE',
    min: 1,
    max: 100_000,
    unit: 'per 60 s',
    doc: 'Runs of this tool by all principals together.',
  })
  readonly totalRunsPerMinute?: number;

  @Int({ env: 'TOOL_<NAME>_PER_CALLER', min: 1, max: 100, doc: 'Runs of this tool at once by one principal.' })
  readonly perCaller?: number;

  @Int({ env: 'TOOL_<NAME>_BREAKER_THRESHOLD', min: 1, max: 100, doc: 'Failures in a row that open its breaker.' })
  readonly breakerThreshold?: number;

  @Int({
    env: 'TOOL_<NAME>_BREAKER_RECOVERY',
    min: 1,
    max: 600,
    unit: 's',
    doc: 'Rest of this tool before one call may try again.',
  })
  readonly breakerRecoverySec?: number;
}
