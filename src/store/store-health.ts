/** How the store is: `embedded` is in this process and always there. */
export type StoreState = 'embedded' | 'up' | 'down';

/** Whether the store can be reached, for readiness and for those who do otherwise while it cannot (D-23). */
export abstract class StoreHealth {
  abstract readonly state: StoreState;

  /** Whether it was out of reach when this process first wanted it: others may have lost it as well. */
  get wasAwayAtStart(): boolean {
    return false;
  }

  /** Calls back with each change. @returns what ends that */
  abstract onChange(listener: (state: StoreState) => void): () => void;
}

export class EmbeddedStoreHealth extends StoreHealth {
  override readonly state = 'embedded';

  override onChange(): () => void {
    return () => undefined;
  }
}
