import type { OnModuleInit } from '@nestjs/common';
import type { Instruments, SystemSampler } from '../metrics/index.js';
import type { HealthIndicator, HealthIndicators } from './health-indicators.js';
import type { HealthMonitor } from './health-monitor.js';

const SCORES = { healthy: 1, degraded: 0.5, unhealthy: 0 } as const;

/** One check of the server's own, or a list of checks that changes. */
export type OwnIndicator = HealthIndicator | { list(): readonly HealthIndicator[] };

/** What the server's own checks need. */
export interface BuiltinParts {
  readonly indicators: HealthIndicators;
  readonly monitor: HealthMonitor;
  readonly instruments: Instruments;
  readonly sampler: SystemSampler;
}

/** Puts the server's own checks beside those of extensions, and what they find among the metrics. */
export class BuiltinIndicators implements OnModuleInit {
  constructor(
    private readonly parts: BuiltinParts,
    private readonly own: readonly OwnIndicator[],
  ) {}

  onModuleInit(): void {
    const { indicators, monitor, instruments, sampler } = this.parts;
    sampler.start();
    for (const own of this.own) {
      if ('list' in own) indicators.addSource(() => own.list());
      else indicators.register(own);
    }
    instruments.gauge(
      { name: 'mcp_health_check', help: '1 healthy, 0.5 degraded, 0 unhealthy.', labels: ['check'] },
      () =>
        Object.entries(monitor.last?.checks ?? {}).map(([check, { status }]) => ({
          labels: { check },
          value: SCORES[status],
        })),
    );
    instruments.gauge({ name: 'mcp_health_status', help: 'The same of the whole.' }, () =>
      monitor.last ? [{ labels: {}, value: SCORES[monitor.last.status] }] : [],
    );
  }
}
