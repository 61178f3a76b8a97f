/** Idle entries that are forgotten when one is added: more than one, so that a map that was full shrinks again. */
const FORGOTTEN_AT_ONCE = 2;

/** A map that forgets the least recently used entry when it is full, and idle ones before. Each step is O(1). */
export class LruMap<Value> {
  private readonly entries = new Map<string, Value>();

  /**
   * @param max entries kept, >= 1
   * @param isIdle whether an entry holds nothing any more, so that a new one would be the same
   */
  constructor(
    private max: number,
    private readonly isIdle: (value: Value) => boolean = () => false,
  ) {}

  /** @returns the entry of the key, made anew where there is none; it is now the most recently used */
  use(key: string, make: () => Value): Value {
    let value = this.entries.get(key);
    if (value === undefined) {
      this.makeRoom();
      value = make();
    } else {
      this.entries.delete(key);
    }
    this.entries.set(key, value);
    return value;
  }

  /** The entry of the key, if there is one; looking at it is no use of it. */
  find(key: string): Value | undefined {
    return this.entries.get(key);
  }

  /** The entries, the least recently used first; looking at them is no use of them. */
  values(): IterableIterator<Value> {
    return this.entries.values();
  }

  /** Keeps another number of entries from now on; what is too many goes as others come. @param max >= 1 */
  resize(max: number): void {
    this.max = max;
  }

  get size(): number {
    return this.entries.size;
  }

  private makeRoom(): void {
    for (let forgotten = 0; forgotten < FORGOTTEN_AT_ONCE; forgotten++) {
      const [oldest] = this.entries;
      if (!oldest) return;
      const [key, value] = oldest;
      if (this.entries.size < this.max && !this.isIdle(value)) return;
      this.entries.delete(key);
    }
  }
}
