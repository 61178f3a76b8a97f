/** The place of an item in a list; made once per item and used again. */
export class LruPlace<T> {
  older: LruPlace<T> | undefined;
  newer: LruPlace<T> | undefined;

  constructor(readonly item: T) {}
}

/**
 * Items in the order of their last use. Every step costs the same however many there are: a Map in insertion order
 * would do, but for the holes that re-insertion leaves at its front, which each look at the oldest has to pass.
 */
export class LruList<T> {
  private first: LruPlace<T> | undefined;
  private last: LruPlace<T> | undefined;

  /** The item whose last use is longest ago. */
  get oldest(): T | undefined {
    return this.first?.item;
  }

  /** Puts an item, which must not be in the list, behind all others. */
  append(place: LruPlace<T>): void {
    place.older = this.last;
    if (this.last) this.last.newer = place;
    else this.first = place;
    this.last = place;
  }

  /** Takes an item, which must be in the list, out of it. */
  remove(place: LruPlace<T>): void {
    const { older, newer } = place;
    if (older) older.newer = newer;
    else this.first = newer;
    if (newer) newer.older = older;
    else this.last = older;
    place.older = place.newer = undefined;
  }

  /** Puts an item of the list behind all others. */
  refresh(place: LruPlace<T>): void {
    if (this.last === place) return;
    this.remove(place);
    this.append(place);
  }
}
