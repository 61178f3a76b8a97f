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
}
