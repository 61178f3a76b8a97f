import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FailingStore } from '../../test/support/failing-store.js';
import { FakeClock } from '../../test/support/fake-clock.js';
import { MemoryDurableStore } from './memory/memory-durable-store.js';
import { Replica } from './replica.js';
import { Replicas } from './replicas.js';
import { EmbeddedStoreHealth, StoreHealth, type StoreState } from './store-health.js';

const ALIVE_MS = 8_000;

class SharedHealth extends StoreHealth {
  override readonly state = 'up';
  private listener: ((state: StoreState) => void) | undefined;
  wasAway = false;

  override get wasAwayAtStart(): boolean {
    return this.wasAway;
  }

  override onChange(listener: (state: StoreState) => void): () => void {
    this.listener = listener;
    return () => (this.listener = undefined);
  }

  tell(state: StoreState): void {
    this.listener?.(state);
  }
}

describe('Replicas', () => {
  const clock = new FakeClock();
  const other = new Replica();
  let inner: MemoryDurableStore;
  let store: FailingStore;
  let health: SharedHealth;
  let replicas: Replicas;
  let others: Replicas;

  beforeEach(async () => {
    inner = new MemoryDurableStore(clock);
    store = new FailingStore(() => inner);
    health = new SharedHealth();
    replicas = new Replicas(new Replica(), store, health, clock);
    others = new Replicas(other, store, health, clock);
    await replicas.onModuleInit();
  });

  afterEach(() => replicas.onApplicationShutdown());

  it('takes one for dead 8 s after its last sign of life', async () => {
    await others.beat();
    clock.advance(ALIVE_MS - 1);
    expect(await replicas.isAlive(other.id)).toBe(true);
    clock.advance(1);
    expect(await replicas.isAlive(other.id)).toBe(false);
  });

  it('takes others for dead from its start on, unless the store was away then', async () => {
    expect(await replicas.isAlive(other.id)).toBe(false);
    health.wasAway = true;
    const young = new Replicas(new Replica(), store, health, clock);
    await young.onModuleInit();
    expect(await young.isAlive(other.id)).toBe(true);
    clock.advance(ALIVE_MS);
    expect(await young.isAlive(other.id)).toBe(false);
    await young.onApplicationShutdown();
  });

  it('D-23 takes nobody for dead right after the store was away: none could show that it lives', async () => {
    health.tell('down');
    clock.advance(20_000);
    health.tell('up');
    expect(await replicas.isAlive(other.id)).toBe(true);
    clock.advance(ALIVE_MS);
    expect(await replicas.isAlive(other.id)).toBe(false);
  });

  it('D-23 nor while the store takes no sign of life, though it is connected', async () => {
    store.isDown = true;
    await replicas.beat();
    store.isDown = false;
    expect(await replicas.isAlive(other.id)).toBe(true);
    clock.advance(ALIVE_MS);
    expect(await replicas.isAlive(other.id)).toBe(false);
  });

  it('shows that it lives as soon as the store is there again', async () => {
    clock.advance(ALIVE_MS);
    inner = new MemoryDurableStore(clock);
    health.tell('up');
    await new Promise((resolve) => setImmediate(resolve));
    expect(await inner.list('replica')).toHaveLength(1);
  });

  it('knows of itself alone where the store is its own', async () => {
    const own = new Replica();
    const alone = new Replicas(own, store, new EmbeddedStoreHealth(), clock);
    await alone.onModuleInit();
    expect(await alone.isAlive(own.id)).toBe(true);
    expect(await alone.isAlive(other.id)).toBe(false);
    await alone.onApplicationShutdown();
  });
});
