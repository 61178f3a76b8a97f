import type { Clock } from '../../src/common/index.js';
import { Replica, Replicas, type StoreBackend } from '../../src/store/index.js';

/** The replicas of a service that has one. */
export function alone({ durable, health }: Pick<StoreBackend, 'durable' | 'health'>, clock: Clock): Replicas {
  return new Replicas(new Replica(), durable, health, clock);
}
