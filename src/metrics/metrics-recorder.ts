import { Injectable } from '@nestjs/common';

/** How a call ended, as metrics name it (K-21). */
export type CallStatus = 'success' | 'failure' | 'timeout' | 'cancelled' | 'refused' | 'waiting';

/** The handle of one tool, resource or prompt: bound once at start, so that a call looks nothing up. */
export interface CallMeter {
  started(): void;
  /** @param durationMs >= 0 */
  finished(status: CallStatus, durationMs: number): void;
}

/** What one target did since the start. */
export interface CallFigures {
  readonly executions: number;
  readonly active: number;
  readonly byStatus: Readonly<Record<CallStatus, number>>;
  readonly totalMs: number;
}

/** Where figures go. */
export abstract class MetricsRecorder {
  /** @param kind what is called, a bounded set of values @param name its name, bounded by the catalogue */
  abstract meter(kind: 'tool' | 'resource' | 'prompt', name: string): CallMeter;

  /** All figures, by `kind:name`. */
  abstract calls(): ReadonlyMap<string, CallFigures>;
}

class MemoryCallMeter implements CallMeter, CallFigures {
  executions = 0;
  active = 0;
  totalMs = 0;
  readonly byStatus: Record<CallStatus, number> = {
    success: 0,
    failure: 0,
    timeout: 0,
    cancelled: 0,
    refused: 0,
    waiting: 0,
  };

  started(): void {
    this.active += 1;
  }

  finished(status: CallStatus, durationMs: number): void {
    this.active -= 1;
    this.executions += 1;
    this.byStatus[status] += 1;
    this.totalMs += durationMs;
  }
}

/** Counts in this process, for server://stats. */
@Injectable()
export class MemoryMetricsRecorder extends MetricsRecorder {
  private readonly meters = new Map<string, MemoryCallMeter>();

  override meter(kind: 'tool' | 'resource' | 'prompt', name: string): CallMeter {
    const key = `${kind}:${name}`;
    let meter = this.meters.get(key);
    if (!meter) {
      meter = new MemoryCallMeter();
      this.meters.set(key, meter);
    }
    return meter;
  }

  override calls(): ReadonlyMap<string, CallFigures> {
    return this.meters;
  }
}
