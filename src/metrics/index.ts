import type { DynamicModule, Type } from '@nestjs/common';

export { type CallFigures, type CallMeter, type CallStatus } from './call-figures.js';
export { type CustomCounter, type CustomCounterOptions, CustomCounters } from './custom-counters.js';
export { type Count, Instruments, type Sample } from './instruments.js';
export { MetricsExport } from './metrics-export.js';
export { MetricsModule } from './metrics.module.js';
export { METRIC_DOORS, type MetricDoor, MetricsRecorder } from './metrics-recorder.js';
export { type SystemSample, SystemSampler } from './system-sampler.js';

/**
 * The endpoint in the text form of Prometheus. Its libraries are loaded with it: a server on stdio does without them.
 * @param controller serves {@link MetricsExport} at `/metrics`
 */
export async function loadPrometheus(controller: Type): Promise<DynamicModule> {
  const { PrometheusModule } = await import('./prometheus/prometheus.module.js');
  return PrometheusModule.forRoot(controller);
}
