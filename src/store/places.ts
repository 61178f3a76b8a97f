import type { SharedCounters } from './shared-counters.js';

/** A set of places that all replicas share. */
export interface BoundedSet {
  readonly set: string;
  /** >= 1 */
  readonly max: number;
}

/** Which set has no place left, and who of those that could give way was there first. */
export interface PlaceRefusal extends BoundedSet {
  readonly oldest: string | undefined;
}

/** Places in sets of bounded size: whoever takes one here counts at every replica. */
export class Places {
  /** @param holdMs how long a place is held without being kept; twice as long while it is in use */
  constructor(
    private readonly counters: SharedCounters,
    private readonly holdMs: number,
  ) {}

  /**
   * Takes a place in each of some sets, or in none.
   * @returns undefined where all had one
   * @throws ProtocolError store_unavailable
   */
  async take(member: string, sets: readonly BoundedSet[]): Promise<PlaceRefusal | undefined> {
    const { holdMs } = this;
    for (const [index, { set, max }] of sets.entries()) {
      const outcome = await this.counters.hold({ set, member, max, holdMs });
      if (outcome.isHeld) continue;
      await this.release(member, sets.slice(0, index));
      return { set, max, oldest: outcome.oldest };
    }
    return undefined;
  }

  /** Keeps places, whether or not they were held until now. @throws ProtocolError store_unavailable */
  async keep(set: string, members: readonly string[], isInUse: boolean): Promise<void> {
    if (members.length > 0) await this.counters.keep({ set, members, holdMs: this.holdMs, isInUse });
  }

  /** @throws ProtocolError store_unavailable: they are given back by themselves, in a while */
  async release(member: string, sets: readonly Pick<BoundedSet, 'set'>[]): Promise<void> {
    await Promise.all(sets.map(({ set }) => this.counters.release(set, member)));
  }
}
