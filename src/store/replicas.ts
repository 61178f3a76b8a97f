import { Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../common/index.js';
import { DurableStore } from './durable-store.js';
import { codeOf } from './files.js';
import { Replica } from './replica.js';
import type { SharedCounters } from './shared-counters.js';
import { StoreHealth } from './store-health.js';

const NAMESPACE = 'replica';
const SET = 'replicas';
const NO_BOUND = 1_000_000;
const BEAT_MS = 2_000;
/** How long a replica that shows no sign of life counts as alive. */
const ALIVE_MS = 8_000;

/** Which replicas live: each shows a sign of life every 2 s, and is taken for dead 8 s after its last. */
export class Replicas implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(Replicas.name);
  private timer: NodeJS.Timeout | undefined;
  private unsubscribe: (() => void) | undefined;
  /** When the store was last known to be out of reach, monotonic ms. */
  private troubledAt = Number.NEGATIVE_INFINITY;
  private alive = 1;

  /** @param counters undefined where the process is alone */
  constructor(
    private readonly own: Replica,
    private readonly store: DurableStore,
    private readonly health: StoreHealth,
    private readonly clock: Clock,
    private readonly counters?: SharedCounters,
  ) {}

  /** Id of this process. */
  get ownId(): string {
    return this.own.id;
  }

  /** Whether there may be others. */
  get areMany(): boolean {
    return this.health.state !== 'embedded';
  }

  /** How many live, this one among them, as far as it is known; >= 1. */
  get count(): number {
    return this.alive;
  }

  /** What this process may give out by itself of a limit for all, while they cannot be asked (D-23); >= 1. */
  portionOf(limit: number): number {
    return Math.max(1, Math.floor(limit / this.alive));
  }

  async onModuleInit(): Promise<void> {
    if (!this.areMany) return;
    // A young process takes others for dead as any does: of many that die young, none would ever be old enough.
    if (this.health.wasAwayAtStart) this.troubledAt = this.clock.monotonic();
    this.unsubscribe = this.health.onChange((state) => {
      this.troubledAt = this.clock.monotonic();
      if (state === 'up') void this.beat();
    });
    this.timer = setInterval(() => void this.beat(), BEAT_MS).unref();
    await this.beat();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.unsubscribe?.();
    if (!this.areMany) return;
    try {
      await this.store.delete(NAMESPACE, this.own.id);
      await this.counters?.release(SET, this.own.id);
    } catch (error) {
      this.missed(error);
    }
  }

  /**
   * Where the store itself was away, nobody is taken for dead until all had the time to show that they live.
   * @throws ProtocolError store_unavailable
   */
  async isAlive(replica: string): Promise<boolean> {
    if (replica === this.own.id) return true;
    if (!this.areMany) return false;
    return (await this.store.has(NAMESPACE, replica)) || this.clock.monotonic() - this.troubledAt < ALIVE_MS;
  }

  async beat(): Promise<void> {
    const expiresAt = this.clock.now() + ALIVE_MS;
    const place = { set: SET, member: this.own.id, max: NO_BOUND, holdMs: ALIVE_MS };
    try {
      await this.store.put({ namespace: NAMESPACE, key: this.own.id, value: true, expiresAt });
      await this.counters?.hold(place);
      this.alive = Math.max(1, (await this.counters?.heldIn(SET)) ?? 1);
    } catch (error) {
      this.missed(error);
    }
  }

  /** Others may take this process for dead until the next beat: what it owns is then theirs to judge. */
  private missed(error: unknown): void {
    this.troubledAt = this.clock.monotonic();
    this.logger.debug(`No sign of life could be given: ${codeOf(error)}`);
  }
}
