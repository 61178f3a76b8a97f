import type { HealthStatus } from './health-indicators.js';

/** A whole account of health, for those who may read it, and the part of it that is for everyone. */
export interface HealthReport {
  readonly status: HealthStatus;
  readonly full: Readonly<Record<string, unknown>>;
  readonly brief: Readonly<Record<string, unknown>>;
}

/** Says how the server does. */
export abstract class HealthReporter {
  abstract report(): Promise<HealthReport>;
}
