import { errorTypeOf } from '../common/index.js';
import { BUCKETS_MS, type CallFigures, isExecution } from './call-figures.js';
import type { Instruments, Sample } from './instruments.js';

const MS_PER_SEC = 1_000;

type Named = readonly [name: string, figures: CallFigures];

/**
 * Shows the figures of calls under the names that dashboards know (S4-43, K-21). Labels are names of the catalogue, and
 * kinds of errors: both bounded.
 * @param meters by `kind:name`
 */
export function addCallFamilies(instruments: Instruments, meters: ReadonlyMap<string, CallFigures>): void {
  const of = (kind: string): readonly Named[] =>
    [...meters]
      .filter(([key]) => key.startsWith(`${kind}:`))
      .map(([key, figures]) => [key.slice(kind.length + 1), figures]);

  instruments.total(
    {
      name: 'mcp_tool_execution_total',
      help: 'Calls of tools whose work came to an end; refused ones are none.',
      labels: ['tool', 'status', 'error_type'],
    },
    () => of('tool').flatMap(([tool, figures]) => executionsOf('tool', tool, figures)),
  );
  instruments.histogram(
    { name: 'mcp_tool_execution_duration_seconds', help: 'How long those took.', labels: ['tool'] },
    () => of('tool').flatMap(([tool, figures]) => durationsOf(tool, figures)),
  );
  instruments.gauge({ name: 'mcp_tool_active_executions', help: 'Calls that are under way.', labels: ['tool'] }, () =>
    of('tool').map(([tool, { active }]) => ({ labels: { tool }, value: active })),
  );
  instruments.total({ name: 'mcp_tool_timeouts_total', help: 'Calls that ran out of time.', labels: ['tool'] }, () =>
    of('tool').map(([tool, { byStatus }]) => ({ labels: { tool }, value: byStatus.timeout })),
  );
  instruments.total(
    {
      name: 'mcp_resource_reads_total',
      help: 'Reads of resources that came to an end.',
      labels: ['resource', 'status', 'error_type'],
    },
    () => of('resource').flatMap(([resource, figures]) => executionsOf('resource', resource, figures)),
  );
  instruments.total(
    {
      name: 'mcp_prompt_gets_total',
      help: 'Prompts that were rendered, or failed to be.',
      labels: ['prompt', 'status', 'error_type'],
    },
    () => of('prompt').flatMap(([prompt, figures]) => executionsOf('prompt', prompt, figures)),
  );
}

/** Success without an error type, and each way to fail with its own: cancelled calls are failures of that type. */
function executionsOf(label: string, name: string, { byStatus, byKind }: CallFigures): Sample[] {
  const samples = new Map<string, Sample>();
  const put = (status: string, errorType: string | undefined, count: number): void => {
    const key = `${status}:${errorType}`;
    const labels = { [label]: name, status, ...(errorType !== undefined && { error_type: errorType }) };
    samples.set(key, { labels, value: (samples.get(key)?.value ?? 0) + count });
  };
  put('success', undefined, byStatus.success);
  put('failure', 'execution_error', 0);
  put('timeout', 'timeout', 0);
  for (const [kind, { status, count }] of byKind) {
    if (isExecution(status)) put(status === 'timeout' ? 'timeout' : 'failure', errorTypeOf(kind), count);
  }
  return [...samples.values()];
}

function durationsOf(tool: string, { durations }: CallFigures): Sample[] {
  const { cumulative, count, sumMs } = durations;
  return [
    ...BUCKETS_MS.map((bound, at): Sample => ({
      suffix: '_bucket',
      labels: { tool, le: String(bound / MS_PER_SEC) },
      value: cumulative[at] ?? 0,
    })),
    { suffix: '_bucket', labels: { tool, le: '+Inf' }, value: count },
    { suffix: '_sum', labels: { tool }, value: sumMs / MS_PER_SEC },
    { suffix: '_count', labels: { tool }, value: count },
  ];
}
