import type { Principal } from '../auth/index.js';
import type { Clock } from '../common/index.js';
import type { CallScope } from './call-scope.js';
import type { CallContext, LogSeverity } from './tool-context.js';

/** The context that handlers get: a view of the scope, so that making one costs next to nothing. */
export class ScopedCallContext implements CallContext {
  constructor(
    private readonly scope: CallScope,
    private readonly clock: Clock,
  ) {}

  get principal(): Principal {
    return this.scope.origin.principal;
  }

  get requestId(): string {
    return this.scope.origin.requestId;
  }

  get signal(): AbortSignal {
    return this.scope.signal;
  }

  get deadline(): number {
    return this.scope.deadline(this.clock);
  }

  progress(progress: number, total?: number, message?: string): void {
    const { reply } = this.scope.origin;
    if (reply.wantsProgress && this.scope.isHeard) reply.progress(progress, total, message);
  }

  log(level: LogSeverity, data: unknown, logger?: string): void {
    if (this.scope.isHeard) this.scope.origin.reply.log(level, data, logger);
  }
}
