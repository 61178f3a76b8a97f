import { Injectable } from '@nestjs/common';
import { SystemSampler } from '../../metrics/index.js';
import { type HealthFinding, type HealthIndicator } from '../health-indicators.js';

/** How late the event loop may be before every caller feels it. */
const MAX_LAG_MS = 500;

/** This process: whether its event loop keeps up. */
@Injectable()
export class ProcessIndicator implements HealthIndicator {
  readonly name = 'process';
  readonly priority = 'HIGH';

  constructor(private readonly sampler: SystemSampler) {}

  async check(): Promise<HealthFinding> {
    const { loopLagMs } = await this.sampler.latest();
    const { rss, heapUsed } = process.memoryUsage();
    const details = {
      pid: process.pid,
      uptime_seconds: Math.round(process.uptime()),
      event_loop_lag_ms: Math.round(loopLagMs),
      rss_bytes: rss,
      heap_used_bytes: heapUsed,
    };
    if (loopLagMs <= MAX_LAG_MS) return { status: 'healthy', details };
    return { status: 'degraded', message: `The event loop is ${Math.round(loopLagMs)} ms late`, details };
  }
}
