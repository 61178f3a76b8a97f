import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { AppConfig } from '../../config/index.js';
import { loadPrometheus } from '../../metrics/index.js';
import { TransportModule } from '../../transport/index.js';
import { MetricsController } from './metrics.controller.js';
import { MetricsReport } from './metrics-report.js';

/** Makes the report for whoever shows it: the controller, which another module of ours may host, and the events. */
@Global()
@Module({ imports: [TransportModule], providers: [MetricsReport], exports: [MetricsReport] })
export class MetricsReportModule {}

/** `/metrics`, in the forms that the settings ask for. */
@Module({})
export class MetricsHttpModule {
  static async forRoot({ metrics }: AppConfig): Promise<DynamicModule> {
    const module = MetricsHttpModule;
    if (!metrics.enabled) return { module };
    if (metrics.prometheusEnabled) return { module, imports: [await loadPrometheus(MetricsController)] };
    return { module, controllers: [MetricsController] };
  }
}
