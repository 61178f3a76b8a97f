/** A map that nobody can change any more. */
export class FrozenMap<K, V> extends Map<K, V> {
  constructor(entries: Iterable<readonly [K, V]>) {
    super(entries);
    Object.freeze(this);
  }

  /** @throws TypeError always, once the map is made */
  override set(key: K, value: V): this {
    if (Object.isFrozen(this)) throw frozen();
    return super.set(key, value);
  }

  /** @throws TypeError always */
  override delete(): never {
    throw frozen();
  }

  /** @throws TypeError always */
  override clear(): never {
    throw frozen();
  }
}

/** Freezes an object and all that it holds in properties and maps; the maps themselves must be a FrozenMap. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  Object.freeze(value);
  for (const held of value instanceof Map ? value.values() : Object.values(value)) deepFreeze(held);
  return value;
}

const frozen = (): TypeError => new TypeError('The settings are frozen');
