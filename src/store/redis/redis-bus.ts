import { Bus, Listeners } from '../bus.js';
import type { RedisClient } from './redis-client.js';

/** Publish and subscribe: `<prefix>b:<channel>`. What is published while Redis is away stays in this process. */
export class RedisBus extends Bus {
  private readonly listeners = new Listeners();
  private readonly gapListeners = new Set<() => void>();
  private wasReady: boolean;

  /** @param replica id of this process, whose own messages come back from Redis and are let go */
  constructor(
    private readonly client: RedisClient,
    private readonly prefix: string,
    private readonly replica: string,
  ) {
    super();
    this.wasReady = client.subscriber.status === 'ready';
    client.subscriber.on('message', (name, text) => this.received(name, text));
    client.subscriber.on('ready', () => void this.listensAgain());
  }

  override publish(channel: string, message: string): void {
    void this.send(channel, message);
  }

  override async send(channel: string, message: string): Promise<void> {
    this.listeners.tell(channel, message);
    try {
      await this.client.commands.publish(this.nameOf(channel), `${this.replica}\n${message}`);
    } catch {
      // Whoever must not miss it finds it in the store when Redis is back.
    }
  }

  override subscribe(channel: string, hear: (message: string) => void): () => void {
    const own = (message: string): void => hear(message);
    if (this.listeners.add(channel, own)) this.client.subscriber.subscribe(this.nameOf(channel)).catch(() => undefined);
    return () => {
      if (!this.listeners.remove(channel, own)) return;
      this.client.subscriber.unsubscribe(this.nameOf(channel)).catch(() => undefined);
    };
  }

  override onGap(listener: () => void): () => void {
    this.gapListeners.add(listener);
    return () => this.gapListeners.delete(listener);
  }

  private async listensAgain(): Promise<void> {
    const isAgain = this.wasReady;
    this.wasReady = true;
    if (!isAgain) return;
    try {
      // Answered after the channels were taken up again: from here on nothing is missed.
      await this.client.subscriber.ping();
    } catch {
      // It broke once more: the next time that it is there tells.
      return;
    }
    await this.client.whenUp();
    for (const listener of this.gapListeners) listener();
  }

  private received(name: string, text: string): void {
    const end = text.indexOf('\n');
    if (!name.startsWith(`${this.prefix}b:`) || text.slice(0, end) === this.replica) return;
    this.listeners.tell(name.slice(this.prefix.length + 2), text.slice(end + 1));
  }

  private nameOf(channel: string): string {
    return `${this.prefix}b:${channel}`;
  }
}
