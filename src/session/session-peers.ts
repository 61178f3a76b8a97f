import { Injectable } from '@nestjs/common';
import { isJsonObject } from '../common/index.js';
import type { LogSeverity, RequestId } from '../protocol/index.js';
import { Bus, Replica, Replicas } from '../store/index.js';

const CHANNEL = 'sessions';

/** What happened to a session at another replica. */
export type PeerNews =
  | { readonly kind: 'ended'; readonly key: string }
  /** What its client has set since. */
  | {
      readonly kind: 'changed';
      readonly key: string;
      readonly logLevel: LogSeverity | undefined;
      readonly subscriptions: readonly string[];
    }
  | { readonly kind: 'cancel'; readonly key: string; readonly requestId: RequestId; readonly why: string };

/** The same sessions at other replicas: what is done to one here is done to it there. */
@Injectable()
export class SessionPeers {
  constructor(
    private readonly bus: Bus,
    private readonly replica: Replica,
    private readonly replicas: Replicas,
  ) {}

  /** Whether sessions may be at other replicas too. */
  get areThere(): boolean {
    return this.replicas.areMany;
  }

  tell(news: PeerNews): void {
    if (this.areThere) this.bus.publish(CHANNEL, JSON.stringify({ from: this.replica.id, ...news }));
  }

  /** Resolves when it is on its way to all. */
  async send(news: PeerNews): Promise<void> {
    if (this.areThere) await this.bus.send(CHANNEL, JSON.stringify({ from: this.replica.id, ...news }));
  }

  /** Calls back each time that news may have been missed. @returns what ends that */
  onGap(listener: () => void): () => void {
    return this.bus.onGap(listener);
  }

  /** @param hear is told of what other replicas did @returns what ends that */
  listen(hear: (news: PeerNews) => void): () => void {
    return this.bus.subscribe(CHANNEL, (message) => {
      const news: unknown = JSON.parse(message);
      if (isJsonObject(news) && news['from'] !== this.replica.id) hear(news as unknown as PeerNews);
    });
  }
}
