import { HttpException, Injectable, Logger } from '@nestjs/common';
import { Clock, GatehouseError, isGatehouseError, ProtocolError, ToolError } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { ScopedCallContext } from './call-context.js';
import { CallGate, type GateOutcome } from './call-gate.js';
import { CallLog } from './call-log.js';
import { callFacts } from './call-logger.js';
import type { CallScope } from './call-scope.js';
import { Deadlines } from './deadlines.js';
import { KeyedCalls } from './idempotency/keyed-calls.js';
import type { Checked, CompiledSchema } from './schema/compiled-schema.js';
import type { RegisteredTool } from './tool-definition.js';
import { ToolRegistry, unknownTool } from './tool-registry.js';
import { toFailedResult, toToolResult, type ToolResult } from './tool-result.js';

const MS_PER_SEC = 1_000;
const MAX_TIMEOUT_MS = 3_600_000;

/**
 * Runs tool calls, for every door alike: gate, validation, breaker, bulkhead, the method behind its enhancers, result,
 * settle (D-12).
 */
@Injectable()
export class ToolExecutor {
  private readonly logger = new Logger(ToolExecutor.name);
  private readonly log: CallLog;

  constructor(
    private readonly registry: ToolRegistry,
    private readonly gate: CallGate,
    private readonly deadlines: Deadlines,
    private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly keyed: KeyedCalls,
  ) {
    this.log = new CallLog(config.logging.level === 'debug', clock);
  }

  /**
   * Runs one call under its deadline.
   * @param name the tool's name, from outside
   * @param args JSON, already parsed; not yet checked against the schema
   * @returns the result; `isError: true` when the tool failed, was switched off, or ran out of time
   * @throws ProtocolError unknown_tool, insufficient_scope, read_only, quarantined, audit_unavailable, rate_limited, invalid_params,
   * permission_denied, server_busy, breaker_open, cancelled
   * @see MCP 2025-11-25, server/tools, "Error Handling"
   */
  async execute(name: string, args: unknown, scope: CallScope): Promise<ToolResult> {
    scope.args = args;
    const tool = this.registry.get(name);
    if (!tool) {
      this.gate.denied(`tool:${name}`, scope, 'unknown_tool');
      throw unknownTool(name);
    }
    this.deadlines.watch(scope, this.timeoutOf(tool, scope), tool.target.label);
    try {
      if (this.log.isOn) return await this.log.around(tool, scope, () => this.through(tool, args, scope));
      return await this.through(tool, args, scope);
    } finally {
      this.deadlines.forget(scope);
    }
  }

  private through(tool: RegisteredTool, args: unknown, scope: CallScope): Promise<ToolResult> {
    return this.gate.through(tool.target, scope, () => this.run(tool, args, scope));
  }

  private async run(tool: RegisteredTool, args: unknown, scope: CallScope): Promise<GateOutcome<ToolResult>> {
    try {
      this.refuseDisabled(tool);
      const checked = await this.check(tool, args, scope);
      this.gate.authorize(tool.target, scope, checked);
      if (scope.origin.idempotencyKey === undefined) return await this.runAdmitted(tool, checked, scope);
      return await this.keyed.run(tool, checked, scope, () => this.runOnce(tool, checked, scope));
    } catch (error) {
      return this.failedOutcome(error, scope);
    }
  }

  /** @throws the error, where it is no failure for the model to read */
  private failedOutcome(error: unknown, scope: CallScope): GateOutcome<ToolResult> {
    if (!isGatehouseError(error) || error.family === 'protocol') throw error;
    const { kind, message, data } = error;
    return { value: toFailedResult({ kind, message, requestId: scope.origin.requestId, data }), kind };
  }

  private async runAdmitted(tool: RegisteredTool, args: unknown, scope: CallScope): Promise<GateOutcome<ToolResult>> {
    this.refuseResting(tool);
    if (!tool.bulkhead.tryEnter(scope.origin.callerKey)) await this.queue(tool, scope);
    return this.runInside(tool, args, scope);
  }

  /** A failure that a model reads is a result like any other: who repeats the call gets it again. */
  private async runOnce(tool: RegisteredTool, args: unknown, scope: CallScope): Promise<GateOutcome<ToolResult>> {
    try {
      return await this.runAdmitted(tool, args, scope);
    } catch (error) {
      return this.failedOutcome(error, scope);
    }
  }

  private async runInside(tool: RegisteredTool, args: unknown, scope: CallScope): Promise<GateOutcome<ToolResult>> {
    const enteredAt = this.clock.monotonic();
    const leave = (): void => tool.bulkhead.leave(scope.origin.callerKey, this.clock.monotonic() - enteredAt);
    const pass = scope.aborted ? undefined : tool.breaker.tryPass(enteredAt);
    if (pass === undefined) {
      leave();
      throw scope.aborted ?? this.resting(tool);
    }
    let running: Promise<unknown> | undefined;
    try {
      const work = tool.run(args, new ScopedCallContext(scope, this.clock));
      if (isPromiseLike(work)) running = Promise.resolve(work);
      const value = running ? await scope.outlast(running) : work;
      // A handler that caught the signal to wait has nothing to say either.
      if (scope.origin.client.suspension) throw scope.origin.client.suspension;
      const outcome = await this.settleResult(tool, value, scope);
      // A failure that is returned says as little about the tool's health as one that is thrown for the model to read.
      tool.breaker.report(pass, outcome.kind ? 'neutral' : 'success', this.clock.monotonic());
      return outcome;
    } catch (error) {
      const failure = this.toFailure(tool, error, scope);
      tool.breaker.report(pass, COUNTS_FOR_BREAKER.has(failure.kind) ? 'failure' : 'neutral', this.clock.monotonic());
      throw failure;
    } finally {
      // After the report, which decides for whom the place is given; and not before the method is done, even where its
      // caller went away: what runs, counts.
      if (running) void running.then(leave, leave);
      else leave();
    }
  }

  private async settleResult(tool: RegisteredTool, value: unknown, scope: CallScope): Promise<GateOutcome<ToolResult>> {
    const result = toToolResult(value, tool.output !== undefined);
    if (tool.output && !result.isError) await this.checkOutput(tool, result, scope);
    return { value: result, kind: result.isError ? 'tool_failed' : undefined };
  }

  private async checkOutput(tool: RegisteredTool, result: ToolResult, scope: CallScope): Promise<void> {
    const checked = await fits(tool.output as CompiledSchema, result.structuredContent, scope);
    if (checked.isValid) return;
    const why = checked.faults.join('; ');
    this.logger.error({
      msg: `Tool ${tool.name} returned what its output schema does not allow: ${why}`,
      ...callFacts(scope),
    });
    const message = `Tool '${tool.name}' returned a result that its output schema does not allow. Its author must mend it.`;
    throw new ToolError(message, { kind: 'invalid_result' });
  }

  /** Says who may read what was thrown: our own errors and Nest's 4xx are written for callers, all else stays inside. */
  private toFailure(tool: RegisteredTool, error: unknown, scope: CallScope): GatehouseError {
    if (isGatehouseError(error)) return error;
    if (error instanceof HttpException && error.getStatus() < 500) {
      const kind = error.getStatus() === 403 || error.getStatus() === 401 ? 'permission_denied' : 'tool_failed';
      return new ToolError(error.message, { kind, cause: error });
    }
    const { requestId } = scope.origin;
    const stack = error instanceof Error ? error.stack : String(error);
    this.logger.error({ msg: `Tool ${tool.name} threw`, ...callFacts(scope) }, stack);
    const shown = this.config.tools.exposeErrors && error instanceof Error ? `: ${error.message}` : '.';
    return new ToolError(
      `Tool '${tool.name}' failed${shown} The operator finds the cause in the log under ${requestId}.`,
      { kind: 'internal', cause: error },
    );
  }

  private refuseDisabled(tool: RegisteredTool): void {
    if (tool.isEnabled) return;
    throw new ToolError(`Tool '${tool.name}' is not enabled on this server`, { kind: 'tool_disabled' });
  }

  private async check(tool: RegisteredTool, args: unknown, scope: CallScope): Promise<unknown> {
    const outcome = fits(tool.input, this.withText(tool, args ?? {}), scope);
    const checked = outcome instanceof Promise ? await outcome : outcome;
    if (checked.isValid) return checked.value;
    throw new ProtocolError('invalid_params', `Invalid arguments for tool ${tool.name}: ${checked.faults.join('; ')}`, {
      data: { faults: checked.faults },
    });
  }

  /** A bare string in place of the arguments, for the tools that take one (S1-17). */
  private withText(tool: RegisteredTool, args: unknown): unknown {
    if (typeof args !== 'string') return args;
    const { textArgument } = tool.options;
    if (textArgument !== undefined) return { [textArgument]: args };
    throw new ToolError(`Tool '${tool.name}' expects object arguments, got string: ${args.slice(0, 200)}`, {
      kind: 'invalid_params',
    });
  }

  private refuseResting(tool: RegisteredTool): void {
    if (tool.breaker.restMs(this.clock.monotonic()) > 0) throw this.resting(tool);
  }

  private resting(tool: RegisteredTool): ToolError {
    const retryAfterMs = Math.ceil(tool.breaker.restMs(this.clock.monotonic()));
    return new ToolError(
      `Circuit breaker is open for ${tool.name}: it failed too often. Try again in ${Math.ceil(retryAfterMs / MS_PER_SEC)} s.`,
      {
        kind: 'breaker_open',
        data: { retryAfterMs },
      },
    );
  }

  /** Waits for a place, for as long as the call may take at most (K-31). */
  private async queue(tool: RegisteredTool, scope: CallScope): Promise<void> {
    const { bulkhead } = tool;
    const hasPlace = await bulkhead.wait(scope.origin.callerKey, scope.signal);
    if (hasPlace) return;
    const { runningCount, waitingCount, retryAfterMs } = bulkhead;
    const counts = `${runningCount} calls run and ${waitingCount} wait`;
    const when = `Try again in ${Math.ceil(retryAfterMs / MS_PER_SEC)} s.`;
    throw new ToolError(`Tool '${tool.name}' is busy: ${counts}. ${when}`, {
      kind: 'server_busy',
      data: { retryAfterMs },
    });
  }

  /** Tool over request over global: a caller can shorten the tool's own deadline, never lengthen it. */
  private timeoutOf(tool: RegisteredTool, scope: CallScope): number {
    const asked = scope.origin.timeoutMs;
    if (tool.timeoutMs !== undefined) return Math.min(tool.timeoutMs, asked ?? tool.timeoutMs);
    return Math.min(asked ?? this.config.tools.defaultTimeoutSec * MS_PER_SEC, MAX_TIMEOUT_MS);
  }
}

const COUNTS_FOR_BREAKER: ReadonlySet<string> = new Set(['timeout', 'internal', 'invalid_result']);

/** Rules that need time get no more of it than the call has. */
function fits(schema: CompiledSchema, value: unknown, scope: CallScope): Checked | Promise<Checked> {
  const outcome = schema.check(value);
  return isPromiseLike(outcome) ? scope.outlast(outcome) : outcome;
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
