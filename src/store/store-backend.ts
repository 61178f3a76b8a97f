import type { Bus } from './bus.js';
import type { DurableStore } from './durable-store.js';
import type { EventLog } from './event-log.js';
import type { SessionKeys } from './session-keys.js';
import type { SharedCounters } from './shared-counters.js';
import type { StoreHealth } from './store-health.js';

/** The stores of one process, open: embedded, or shared with its replicas. */
export abstract class StoreBackend {
  abstract readonly durable: DurableStore;
  abstract readonly keys: SessionKeys;
  abstract readonly bus: Bus;
  abstract readonly events: EventLog;
  /** Undefined where the process is alone. */
  abstract readonly counters: SharedCounters | undefined;
  abstract readonly health: StoreHealth;
  /** The folder that this process holds; undefined where there is none. */
  abstract readonly path: string | undefined;

  /** Writes what is pending and lets go; a second call does nothing. */
  abstract close(): Promise<void>;
}
