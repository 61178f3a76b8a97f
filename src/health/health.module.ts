import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { Instruments, SystemSampler } from '../metrics/index.js';
import { AuditModule } from '../audit/index.js';
import { AuthModule } from '../auth/index.js';
import { ToolsModule } from '../tools/index.js';
import { BuiltinIndicators, type OwnIndicator } from './builtin-indicators.js';
import { HealthController } from './health.controller.js';
import { HealthIndicators } from './health-indicators.js';
import { HealthMonitor } from './health-monitor.js';
import { HealthReporter } from './health-reporter.js';
import { MonitoredHealth } from './monitored-health.js';
import { AuditIndicator } from './indicators/audit.indicator.js';
import { DependencyIndicators } from './indicators/dependency.indicators.js';
import { ProcessIndicator } from './indicators/process.indicator.js';
import { StoreIndicator } from './indicators/store.indicator.js';
import { SystemIndicator } from './indicators/system.indicator.js';
import { ToolIndicators } from './indicators/tool.indicators.js';

const OWN = [
  SystemIndicator,
  ProcessIndicator,
  StoreIndicator,
  AuditIndicator,
  ToolIndicators,
  DependencyIndicators,
] as const;

type Needs = [HealthIndicators, HealthMonitor, Instruments, SystemSampler, ...OwnIndicator[]];

/** Probes, and what they look at. */
@Module({
  imports: [TerminusModule, AuditModule, AuthModule, ToolsModule],
  controllers: [HealthController],
  providers: [
    HealthMonitor,
    { provide: HealthReporter, useClass: MonitoredHealth },
    ...OWN,
    {
      provide: BuiltinIndicators,
      inject: [HealthIndicators, HealthMonitor, Instruments, SystemSampler, ...OWN],
      useFactory: (...[indicators, monitor, instruments, sampler, ...own]: Needs) =>
        new BuiltinIndicators({ indicators, monitor, instruments, sampler }, own),
    },
  ],
  exports: [HealthReporter],
})
export class HealthModule {}
