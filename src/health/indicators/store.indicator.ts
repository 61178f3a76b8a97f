import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/index.js';
import { DurableStore } from '../../store/index.js';
import { type HealthFinding, type HealthIndicator } from '../health-indicators.js';

const NAMESPACE = 'health';
const KEY = 'probe';
const KEPT_MS = 600_000;

/** Whether what must last can be written: without it calls go on, and the end of a session is not remembered (D-23). */
@Injectable()
export class StoreIndicator implements HealthIndicator {
  readonly name = 'store';
  readonly priority = 'HIGH';

  constructor(
    private readonly store: DurableStore,
    private readonly clock: Clock,
  ) {}

  async check(): Promise<HealthFinding> {
    const now = this.clock.now();
    await this.store.put({ namespace: NAMESPACE, key: KEY, value: now, expiresAt: now + KEPT_MS });
    const isThere = await this.store.has(NAMESPACE, KEY);
    return isThere
      ? { status: 'healthy' }
      : { status: 'unhealthy', message: 'What is written is not there afterwards' };
  }
}
