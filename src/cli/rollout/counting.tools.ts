import { setTimeout as pause } from 'node:timers/promises';
import { Tool, type ToolContext } from '../../tools/index.js';
import { ExecutionRecord } from './execution.js';

const INPUT = {
  type: 'object',
  properties: {
    call: { type: 'string', maxLength: 100, description: 'Names the call' },
    ms: { type: 'integer', minimum: 0, maximum: 60_000, description: 'How long it takes, ms' },
  },
  required: ['call', 'ms'],
  additionalProperties: false,
} as const;

interface Counted {
  readonly call: string;
  readonly ms: number;
}

/** Tools that leave a trace of each run, loaded by the replicas of `gatehouse rollout-check`. */
class CountingTools {
  private readonly record = new ExecutionRecord(process.cwd());

  @Tool({ name: 'count_once', description: 'Does harm when it runs twice', input: INPUT })
  once(args: Counted, { signal }: ToolContext): Promise<string> {
    return this.run(args, signal);
  }

  @Tool({ name: 'count_again', description: 'May run twice', input: INPUT, idempotent: true })
  again(args: Counted, { signal }: ToolContext): Promise<string> {
    return this.run(args, signal);
  }

  @Tool({ name: 'count_aloud', description: 'Tells of its progress', input: INPUT })
  aloud(args: Counted, context: ToolContext): Promise<string> {
    context.progress(0, 1, 'begun');
    return this.run(args, context.signal);
  }

  private async run({ call, ms }: Counted, signal: AbortSignal): Promise<string> {
    this.record.add({ what: 'begin', call, pid: process.pid });
    try {
      await pause(ms, undefined, { signal });
    } catch (error) {
      this.record.add({ what: 'cut', call, pid: process.pid });
      throw error;
    }
    this.record.add({ what: 'end', call, pid: process.pid });
    return call;
  }
}

export default CountingTools;
