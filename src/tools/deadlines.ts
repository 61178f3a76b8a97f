import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Clock, ToolError } from '../common/index.js';
import type { CallScope } from './call-scope.js';

const SWEEP_MS = 50;

/** Ends calls at their deadline: one timer for all calls, none per call. Late by 50 ms at most. */
@Injectable()
export class Deadlines implements OnModuleInit, OnApplicationShutdown {
  private readonly calls = new Set<CallScope>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly clock: Clock) {}

  onModuleInit(): void {
    this.timer = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  get size(): number {
    return this.calls.size;
  }

  /** @param timeoutMs from now, >= 1 */
  watch(call: CallScope, timeoutMs: number): void {
    call.endBy(this.clock.monotonic() + timeoutMs);
    this.calls.add(call);
  }

  forget(call: CallScope): void {
    this.calls.delete(call);
  }

  sweep(): void {
    if (this.calls.size === 0) return;
    const now = this.clock.monotonic();
    for (const call of this.calls) {
      if (call.deadlineAt > now) continue;
      this.calls.delete(call);
      call.abort(new ToolError('The deadline passed before the work was done.', { kind: 'timeout' }));
    }
  }
}
