import { Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { SystemSampler } from '../../metrics/index.js';
import { type HealthFinding, type HealthIndicator } from '../health-indicators.js';

/** Processors, memory and disk: pressure on them degrades, and kills nobody (W-35). */
@Injectable()
export class SystemIndicator implements HealthIndicator {
  readonly name = 'system';
  readonly priority = 'HIGH';

  constructor(
    private readonly sampler: SystemSampler,
    private readonly config: AppConfig,
  ) {}

  async check(): Promise<HealthFinding> {
    const { cpuPercent, memoryPercent, diskPercent } = await this.sampler.latest();
    const { health } = this.config;
    const parts = [
      { name: 'cpu', used: cpuPercent, threshold: health.cpuPercent },
      { name: 'memory', used: memoryPercent, threshold: health.memoryPercent },
      { name: 'disk', used: diskPercent, threshold: health.diskPercent },
    ].map(({ name, used, threshold }) => ({ name, used: used === undefined ? undefined : round(used), threshold }));
    const over = parts.filter(({ used = 0, threshold }) => used > threshold);
    const details = Object.fromEntries(
      parts.flatMap(({ name, used }) => (used === undefined ? [] : [[`${name}_percent`, used]])),
    );
    if (over.length === 0) return { status: 'healthy', details };
    const message = over.map(({ name, used, threshold }) => `${name} at ${used} %, over ${threshold} %`).join('; ');
    return { status: 'degraded', message, details };
  }
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
