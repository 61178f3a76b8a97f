import type { DynamicModule } from '@nestjs/common';

export {
  type HealthFinding,
  type HealthIndicator,
  HealthIndicators,
  type HealthPriority,
  type HealthStatus,
} from './health-indicators.js';
export { type HealthReport, HealthReporter } from './health-reporter.js';

/** Probes at `/health`. What they need is loaded with them: a server on stdio does without. */
export async function loadHealth(): Promise<DynamicModule> {
  const { HealthModule } = await import('./health.module.js');
  return { module: HealthModule, global: true };
}

/** Listeners of their own for `/health` and `/metrics`, where the settings open any. */
export async function loadManagement(): Promise<DynamicModule> {
  const { ManagementModule } = await import('./management.module.js');
  return { module: ManagementModule };
}
