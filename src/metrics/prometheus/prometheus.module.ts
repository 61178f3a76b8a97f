import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { PrometheusModule as ExporterModule } from '@willsoto/nestjs-prometheus';
import { MetricsExport } from '../metrics-export.js';
import { PrometheusExport } from './prometheus-export.js';

/** The endpoint of Prometheus, where its text form is served. */
@Module({})
export class PrometheusModule {
  /** @param controller serves the text; it is put at `/metrics` */
  static forRoot(controller: Type): DynamicModule {
    return {
      module: PrometheusModule,
      global: true,
      // Default metrics go into a registry of ours, not into the global one.
      imports: [ExporterModule.register({ controller, path: '/metrics', defaultMetrics: { enabled: false } })],
      providers: [{ provide: MetricsExport, useClass: PrometheusExport }],
      exports: [MetricsExport],
    };
  }
}
