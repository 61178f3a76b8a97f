import type { Clock } from '../../src/common/index.js';
import { LocalBus } from '../../src/store/bus.js';
import { type EventLog, Replica, Replicas, SessionKeys, StoreBackend } from '../../src/store/index.js';
import { MemoryDurableStore } from '../../src/store/memory/memory-durable-store.js';
import { FailingStore } from './failing-store.js';
import { MemoryCounters, MemoryEventLog, SwitchedHealth } from './shared-memory.js';

/** What replicas share, in one process and on the clock of a test; it can be put out of reach. */
export class SharedWorld {
  readonly health = new SwitchedHealth();
  readonly counters: MemoryCounters;
  readonly durable: FailingStore;
  readonly events: MemoryEventLog;
  readonly bus = new LocalBus();
  readonly keys = SessionKeys.ephemeral();
  private readonly replicas: Replicas[] = [];

  constructor(private readonly clock: Clock) {
    const store = new MemoryDurableStore(clock);
    this.durable = new FailingStore(() => store);
    this.counters = new MemoryCounters(clock, this.health);
    this.events = new MemoryEventLog(clock, this.health);
  }

  /** Another replica, which counts as alive until a test lets it die. */
  async replica(): Promise<SharedReplica> {
    const own = new Replica();
    const backend = new SharedBackend(this);
    const replicas = new Replicas(own, this.durable, this.health, this.clock, this.counters);
    this.replicas.push(replicas);
    await replicas.beat();
    return { own, backend, replicas };
  }

  /** Lets every replica show that it lives, so that each knows how many there are. */
  async beat(): Promise<void> {
    for (const replicas of this.replicas) await replicas.beat();
  }

  /** The store is lost, or there again. */
  become(state: 'up' | 'down'): void {
    this.durable.isDown = state === 'down';
    this.health.become(state);
  }
}

export interface SharedReplica {
  readonly own: Replica;
  readonly backend: StoreBackend;
  readonly replicas: Replicas;
}

class SharedBackend extends StoreBackend {
  override readonly durable: FailingStore;
  override readonly keys: SessionKeys;
  override readonly bus: LocalBus;
  override readonly events: EventLog;
  override readonly counters: MemoryCounters;
  override readonly health: SwitchedHealth;
  override readonly path = undefined;

  constructor({ durable, keys, bus, events, counters, health }: SharedWorld) {
    super();
    [this.durable, this.keys, this.bus] = [durable, keys, bus];
    [this.events, this.counters, this.health] = [events, counters, health];
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}
