import { HttpException, Injectable, Logger } from '@nestjs/common';
import { Clock, isGatehouseError, ProtocolError } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { ScopedCallContext } from './call-context.js';
import { CallGate, type GateTarget } from './call-gate.js';
import { callFacts } from './call-logger.js';
import type { CallScope } from './call-scope.js';
import { Deadlines } from './deadlines.js';
import type { CallContext } from './tool-context.js';

const MS_PER_SEC = 1_000;

/** Runs what is not a tool (resources, prompts, completions) through the gate and under the global deadline. */
@Injectable()
export class FeatureRunner {
  private readonly logger = new Logger(FeatureRunner.name);

  constructor(
    private readonly gate: CallGate,
    private readonly deadlines: Deadlines,
    private readonly config: AppConfig,
    private readonly clock: Clock,
  ) {}

  /**
   * @param work is handed the context of the call
   * @param args for the rules on arguments; undefined where there are none
   * @returns what the work returns
   * @throws ProtocolError what the gate refuses, what the work throws of ours; anything else as `internal`
   */
  async run<T>(
    target: GateTarget,
    scope: CallScope,
    work: (context: CallContext) => T | Promise<T>,
    args?: unknown,
  ): Promise<T> {
    const limit = this.config.tools.defaultTimeoutSec * MS_PER_SEC;
    this.deadlines.watch(scope, Math.min(scope.origin.timeoutMs ?? limit, limit), target.label);
    try {
      return await this.gate.through(target, scope, async () => {
        this.gate.authorize(target, scope, args);
        return { value: await this.guarded(target, scope, work) };
      });
    } finally {
      this.deadlines.forget(scope);
    }
  }

  private async guarded<T>(
    target: GateTarget,
    scope: CallScope,
    work: (context: CallContext) => T | Promise<T>,
  ): Promise<T> {
    try {
      const value = await scope.outlast(Promise.resolve(work(new ScopedCallContext(scope, this.clock))));
      if (scope.origin.client.suspension) throw scope.origin.client.suspension;
      return value;
    } catch (error) {
      throw this.toProtocolError(target, scope, error);
    }
  }

  private toProtocolError(target: GateTarget, scope: CallScope, error: unknown): ProtocolError {
    if (isGatehouseError(error)) {
      if (error.family === 'protocol') return error as ProtocolError;
      return new ProtocolError(error.kind, error.message, { cause: error, ...(error.data && { data: error.data }) });
    }
    if (error instanceof HttpException && error.getStatus() < 500) {
      const isDenied = error.getStatus() === 401 || error.getStatus() === 403;
      return new ProtocolError(isDenied ? 'permission_denied' : 'invalid_params', error.message, { cause: error });
    }
    const stack = error instanceof Error ? error.stack : String(error);
    this.logger.error({ msg: `${target.label} threw`, ...callFacts(scope) }, stack);
    return new ProtocolError('internal', 'Internal error', { cause: error });
  }
}
