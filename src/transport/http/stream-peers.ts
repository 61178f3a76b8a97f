import { Injectable } from '@nestjs/common';
import { Bus, Replica } from '../../store/index.js';

/** What replicas tell each other of streams. A stream goes by its name in the log, a session by its key. */
export type StreamNews =
  /** A client came back to the stream at `by`: wherever else it had a connection, that is over. */
  | { readonly kind: 'taken'; readonly name: string; readonly by: string }
  /** The connection at `by` is still there; to whoever runs the call. */
  | { readonly kind: 'held'; readonly name: string; readonly by: string }
  /** The connection at `by` is gone; to whoever runs the call. */
  | { readonly kind: 'left'; readonly name: string; readonly by: string }
  /** There is more in the log; to whoever has the connection. */
  | { readonly kind: 'more'; readonly name: string; readonly by: string }
  /** The newest connection for what the server has to say to the session is at `by`. */
  | { readonly kind: 'speaks'; readonly key: string; readonly by: string }
  /** And is gone. */
  | { readonly kind: 'silent'; readonly key: string; readonly by: string };

type Told = StreamNews extends infer News ? (News extends StreamNews ? Omit<News, 'by'> : never) : never;

const ALL = 'streams';

function channelOf(replica: string): string {
  return `${ALL}:${replica}`;
}

/** The same streams at other replicas. */
@Injectable()
export class StreamPeers {
  constructor(
    private readonly bus: Bus,
    private readonly replica: Replica,
  ) {}

  /** This process. */
  get own(): string {
    return this.replica.id;
  }

  /** @param to a replica; all of them where it is left out */
  tell(told: Told, to?: string): void {
    if (to !== this.own)
      this.bus.publish(to === undefined ? ALL : channelOf(to), JSON.stringify({ ...told, by: this.own }));
  }

  /** @param hear is told of what other replicas said */
  listen(hear: (news: StreamNews) => void): void {
    const heard = (message: string): void => {
      const news = JSON.parse(message) as StreamNews;
      if (news.by !== this.own) hear(news);
    };
    this.bus.subscribe(ALL, heard);
    this.bus.subscribe(channelOf(this.own), heard);
  }
}
