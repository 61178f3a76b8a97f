import { HEALTH_PRIORITIES, type HealthPriority, type HealthStatus } from './health-indicators.js';

/** What a verdict is made of. */
export interface Judged {
  readonly priority: HealthPriority;
  readonly status: HealthStatus;
}

/** How many are how. */
export interface HealthSummary {
  readonly total: number;
  readonly healthy: number;
  readonly degraded: number;
  readonly unhealthy: number;
}

/**
 * The health of the whole (K-19): CRITICAL decides alone, HIGH degrades, MEDIUM and LOW degrade when more than half of
 * them fail, INFORMATIONAL when all do.
 */
export function verdictOf(checks: readonly Judged[]): HealthStatus {
  const of = (...priorities: HealthPriority[]): readonly Judged[] =>
    checks.filter(({ priority }) => priorities.includes(priority));
  const failing = (some: readonly Judged[]): number => some.filter(({ status }) => status !== 'healthy').length;
  if (of('CRITICAL').some(({ status }) => status === 'unhealthy')) return 'unhealthy';
  if (failing(of('CRITICAL', 'HIGH')) > 0) return 'degraded';
  const lesser = of('MEDIUM', 'LOW');
  if (failing(lesser) > lesser.length / 2) return 'degraded';
  const told = of('INFORMATIONAL');
  return told.length > 0 && failing(told) === told.length ? 'degraded' : 'healthy';
}

export function summaryOf(checks: readonly Judged[]): HealthSummary {
  const count = (wanted: HealthStatus): number => checks.filter(({ status }) => status === wanted).length;
  return {
    total: checks.length,
    healthy: count('healthy'),
    degraded: count('degraded'),
    unhealthy: count('unhealthy'),
  };
}

/** The priority by its own name. */
export function priorityOf(name: HealthPriority | 'IMPORTANT'): HealthPriority {
  return HEALTH_PRIORITIES.find((priority) => priority === name) ?? 'HIGH';
}
