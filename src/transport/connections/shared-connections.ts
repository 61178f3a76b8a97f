import { createHash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { Clock } from '../../common/index.js';
import { type BoundedSet, Places, Replica, Replicas, StoreBackend } from '../../store/index.js';

/** How long a connection counts whose replica died. */
const HOLD_MS = 30_000;
const KEEP_MS = 10_000;

/** What became of a question for places. */
export type ConnectionVerdict = 'held' | 'full' | 'alone';

/**
 * The connections of all replicas, counted together: none where this process is alone, and none while the store is out
 * of reach, when each replica keeps to its portion (D-23).
 */
@Injectable()
export class SharedConnections {
  private readonly logger = new Logger('Connections');
  private readonly places: Places | undefined;
  private readonly held = new Map<string, Set<string>>();
  private count = 0;
  private keptAt = 0;
  private isTold = false;

  constructor(
    { counters }: StoreBackend,
    private readonly replica: Replica,
    private readonly replicas: Replicas,
    private readonly clock: Clock,
  ) {
    this.places = counters && new Places(counters, HOLD_MS);
  }

  /** @returns a name for a connection that no other has */
  nextName(): string {
    this.count += 1;
    return `${this.replica.id}-${this.count}`;
  }

  /** What this replica may take by itself of a cap, while the others cannot be asked. */
  portionOf(max: number): number {
    return this.replicas.portionOf(max);
  }

  /** Counts a connection in some sets, or in none. @returns `alone` where this process has to decide by itself */
  async take(name: string, sets: readonly BoundedSet[]): Promise<ConnectionVerdict> {
    if (!this.places) return 'alone';
    try {
      const refusal = await this.places.take(name, sets);
      this.isTold = false;
      if (refusal) return 'full';
    } catch {
      this.tell();
      return 'alone';
    }
    for (const { set } of sets) this.membersOf(set).add(name);
    return 'held';
  }

  /** Counts it no more. */
  release(name: string, sets: readonly string[]): void {
    const held = sets.filter((set) => this.forget(set, name));
    if (held.length === 0) return;
    const gone = this.places?.release(
      name,
      held.map((set) => ({ set })),
    );
    // What cannot be given back now is given back by itself, when its time is over.
    gone?.catch(() => this.tell());
  }

  /** Keeps what is held, where that is due. */
  sweep(): void {
    const now = this.clock.monotonic();
    if (!this.places || now - this.keptAt < KEEP_MS) return;
    this.keptAt = now;
    for (const [set, members] of this.held) this.places.keep(set, [...members], true).catch(() => this.tell());
  }

  private membersOf(set: string): Set<string> {
    let members = this.held.get(set);
    if (!members) this.held.set(set, (members = new Set()));
    return members;
  }

  private forget(set: string, name: string): boolean {
    const members = this.held.get(set);
    if (!members?.delete(name)) return false;
    if (members.size === 0) this.held.delete(set);
    return true;
  }

  /** Once for each time that the store is lost. */
  private tell(): void {
    if (!this.isTold) this.logger.warn('Redis is out of reach: this replica counts its portion of the connections');
    this.isTold = true;
  }
}

/** Names the set of a principal's connections: who it is, is nobody's business in the store. */
export function setOfPrincipal(key: string): string {
  return `connections:${createHash('sha256').update(key).digest('base64url').slice(0, 22)}`;
}
