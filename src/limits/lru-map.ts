/** A map that forgets the least recently used entry when it is full. */
export class LruMap<Value> {
  private readonly entries = new Map<string, Value>();

  /** @param max entries kept, >= 1 */
  constructor(private readonly max: number) {}

  /** @returns the entry of the key, made anew where there is none; it is now the most recently used */
  use(key: string, make: () => Value): Value {
    let value = this.entries.get(key);
    if (value === undefined) {
      value = make();
      if (this.entries.size >= this.max) this.entries.delete(this.entries.keys().next().value as string);
    } else {
      this.entries.delete(key);
    }
    this.entries.set(key, value);
    return value;
  }

  /** @returns the entry of the key, which is not used by that */
  peek(key: string): Value | undefined {
    return this.entries.get(key);
  }

  /** The entries, the least recently used first; looking at them is no use of them. */
  values(): IterableIterator<Value> {
    return this.entries.values();
  }

  get size(): number {
    return this.entries.size;
  }
}
