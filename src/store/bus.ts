/**
 * Messages between the replicas of one service, and within one: small, not kept, and heard by whoever listens now. What
 * must not be missed is in a store; the bus only says that it is worth looking.
 */
export abstract class Bus {
  /**
   * Tells everyone who listens, in this process at once, in others as soon as the network lets it.
   * @param message any text
   */
  abstract publish(channel: string, message: string): void;

  /**
   * The same, for whoever goes on only then: when this resolves, the message is on its way to all who listen, before
   * whatever is published next.
   */
  abstract send(channel: string, message: string): Promise<void>;

  /**
   * @param hear must not throw
   * @returns what ends it
   */
  abstract subscribe(channel: string, hear: (message: string) => void): () => void;

  /** Calls back each time that messages of other replicas may have been missed, and are heard again. @returns what ends it */
  abstract onGap(listener: () => void): () => void;
}

/** Who listens in this process. */
export class Listeners {
  private readonly channels = new Map<string, Set<(message: string) => void>>();

  /** @returns whether it is the first of its channel */
  add(channel: string, hear: (message: string) => void): boolean {
    const listeners = this.channels.get(channel);
    if (listeners) listeners.add(hear);
    else this.channels.set(channel, new Set([hear]));
    return listeners === undefined;
  }

  /** @returns whether it was the last of its channel */
  remove(channel: string, hear: (message: string) => void): boolean {
    const listeners = this.channels.get(channel);
    if (!listeners?.delete(hear) || listeners.size > 0) return false;
    return this.channels.delete(channel);
  }

  tell(channel: string, message: string): void {
    for (const hear of [...(this.channels.get(channel) ?? [])]) hear(message);
  }

  names(): string[] {
    return [...this.channels.keys()];
  }
}

/** The bus of a process that has no other. */
export class LocalBus extends Bus {
  private readonly listeners = new Listeners();

  override publish(channel: string, message: string): void {
    this.listeners.tell(channel, message);
  }

  override async send(channel: string, message: string): Promise<void> {
    this.publish(channel, message);
  }

  override subscribe(channel: string, hear: (message: string) => void): () => void {
    // Of its own, so that one function may listen twice.
    const own = (message: string): void => hear(message);
    this.listeners.add(channel, own);
    return () => void this.listeners.remove(channel, own);
  }

  /** There is nobody else. */
  override onGap(_listener: () => void): () => void {
    return () => undefined;
  }
}
