import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Clock, type GatehouseError, ToolError } from '../common/index.js';
import type { CallScope } from './call-scope.js';

const SWEEP_MS = 50;

/** Ends calls at their deadline: one timer for all calls, none per call. Late by 50 ms at most. */
@Injectable()
export class Deadlines implements OnModuleInit, OnApplicationShutdown {
  /** The calls that run, with what each is a call of. */
  private readonly calls = new Map<CallScope, string>();
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

  /**
   * @param timeoutMs from now, >= 1
   * @param label what is called: `tool:echo`
   */
  watch(call: CallScope, timeoutMs: number, label = ''): void {
    call.endBy(this.clock.monotonic() + timeoutMs);
    this.calls.set(call, label);
  }

  forget(call: CallScope): void {
    this.calls.delete(call);
  }

  /** Ends the calls that match, before their time. @returns how many */
  endWhere(matches: (call: CallScope, label: string) => boolean, cause: GatehouseError): number {
    const ended = [...this.calls].filter(([call, label]) => matches(call, label));
    for (const [call] of ended) {
      this.calls.delete(call);
      call.abort(cause);
    }
    return ended.length;
  }

  sweep(): void {
    if (this.calls.size === 0) return;
    const now = this.clock.monotonic();
    for (const call of this.calls.keys()) {
      if (call.deadlineAt > now) continue;
      this.calls.delete(call);
      call.abort(new ToolError('The deadline passed before the work was done.', { kind: 'timeout' }));
    }
  }
}
