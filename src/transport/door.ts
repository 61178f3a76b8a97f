import { Injectable } from '@nestjs/common';
import type { Door as DoorName } from '../dispatch/index.js';

/** A way in, as whoever ends the process sees it. The three steps of its end come in this order, each once. */
export interface Door {
  readonly name: DoorName;
  /** Connections that are open now. */
  readonly connectionCount: number;

  /** Lets nobody new in; who is in may still answer, cancel, and hear what is owed. */
  stopAccepting(): void;

  /**
   * Sends away whoever waits for nothing, saying that the server ends, and the others when they have their answers.
   * @returns when nothing is owed to anybody, however long that takes
   */
  drain(): Promise<void>;

  /** Cuts off whoever is still there. */
  close(): void | Promise<void>;
}

/** The doors that are open: each enters itself when it opens. */
@Injectable()
export class Doors {
  private readonly open = new Set<Door>();

  register(door: Door): void {
    this.open.add(door);
  }

  get all(): readonly Door[] {
    return [...this.open];
  }

  /** Connections that are open now, through all of them. */
  get connectionCount(): number {
    let count = 0;
    for (const door of this.open) count += door.connectionCount;
    return count;
  }
}
