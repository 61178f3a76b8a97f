import { Injectable } from '@nestjs/common';
import type { JsonObject } from '../../common/index.js';
import { Bus, Replica, Replicas } from '../../store/index.js';

/** What a client wants of a task that runs at another replica; whether it may is found where it asked. */
export type Errand =
  | { readonly kind: 'cancel'; readonly key: string }
  | { readonly kind: 'update'; readonly key: string; readonly responses: JsonObject };

/** Where tasks run: a task stays with the process that started it. */
@Injectable()
export class TaskPlaces {
  constructor(
    private readonly bus: Bus,
    private readonly replica: Replica,
    private readonly replicas: Replicas,
  ) {}

  /** This process. */
  get own(): string {
    return this.replica.id;
  }

  /** @param run does what another replica was asked for */
  listen(run: (errand: Errand) => unknown): void {
    this.bus.subscribe(channelOf(this.own), (message) => void run(JSON.parse(message) as Errand));
  }

  /** Whether a task that does not run here may run there. */
  async isElsewhere(replica: string): Promise<boolean> {
    return replica !== this.own && this.replicas.isAlive(replica);
  }

  send(replica: string, errand: Errand): void {
    if (replica !== this.own) this.bus.publish(channelOf(replica), JSON.stringify(errand));
  }
}

function channelOf(replica: string): string {
  return `tasks:${replica}`;
}
