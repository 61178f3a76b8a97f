/** Events of one kind, within one second. */
interface Second {
  readonly startedAt: number;
  written: number;
  omitted: number;
}

/** Events of one kind that no line was written for. */
export interface Omission<Kind> {
  readonly kind: Kind;
  readonly omitted: number;
}

/** How long lines are counted together, ms. */
export const FLOOD_PERIOD_MS = 1_000;

/** Lets so many of each kind through in each second, and counts the others: a flood must not fill a disk. */
export class FloodGuard<Kind extends string> {
  private readonly seconds = new Map<Kind, Second>();

  /** @param limit of each kind in a second, >= 1 */
  constructor(private readonly limit: number) {}

  /** @param now monotonic ms @returns whether a line may be written */
  admit(kind: Kind, now: number): boolean {
    let second = this.seconds.get(kind);
    if (!second) this.seconds.set(kind, (second = { startedAt: now, written: 0, omitted: 0 }));
    if (second.written >= this.limit) {
      second.omitted += 1;
      return false;
    }
    second.written += 1;
    return true;
  }

  /** Ends the seconds that are over. @returns what they left out */
  sweep(now: number): readonly Omission<Kind>[] {
    const omissions: Omission<Kind>[] = [];
    for (const [kind, { startedAt, omitted }] of this.seconds) {
      if (now - startedAt < FLOOD_PERIOD_MS) continue;
      this.seconds.delete(kind);
      if (omitted > 0) omissions.push({ kind, omitted });
    }
    return omissions;
  }
}
