import { Logger } from '@nestjs/common';
import { type Clock, errorTypeOf, isGatehouseError } from '../common/index.js';
import { callFacts } from './call-logger.js';
import type { CallScope } from './call-scope.js';
import type { RegisteredTool } from './tool-definition.js';
import { failureOf, type ToolResult } from './tool-result.js';

const MS_PER_SEC = 1_000;

/** The story of each call in the log, at debug: `tool.start`, then `tool.end` or `tool.error` (S4-45). */
export class CallLog {
  private readonly logger = new Logger('Call');

  /** @param isOn whether anybody would see it: a call whose story nobody reads costs nothing */
  constructor(
    readonly isOn: boolean,
    private readonly clock: Clock,
  ) {}

  async around(tool: RegisteredTool, scope: CallScope, work: () => Promise<ToolResult>): Promise<ToolResult> {
    const { name, programs } = tool;
    const [command] = programs;
    const startedAt = this.clock.monotonic();
    const timeout = Math.round(scope.deadlineAt - startedAt) / MS_PER_SEC;
    const facts = { tool: name, door: scope.origin.door, ...callFacts(scope) };
    this.logger.debug({ msg: 'tool.start', ...facts, ...(command !== undefined && { command }), timeout });
    const taken = (): number => Math.round(this.clock.monotonic() - startedAt);
    try {
      const result = await work();
      const kind = result.isError ? (failureOf(result)?.kind ?? 'tool_failed') : undefined;
      if (kind === undefined) this.logger.debug({ msg: 'tool.end', ...facts, duration_ms: taken() });
      else
        this.logger.debug({ msg: 'tool.error', ...facts, error_type: errorTypeOf(kind), kind, duration_ms: taken() });
      return result;
    } catch (error) {
      const kind = isGatehouseError(error) ? error.kind : 'internal';
      this.logger.debug({ msg: 'tool.error', ...facts, error_type: errorTypeOf(kind), kind, duration_ms: taken() });
      throw error;
    }
  }
}
