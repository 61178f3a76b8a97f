import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Clock } from '../common/index.js';
import { Announcements } from '../dispatch/index.js';
import { Connections } from './connections/connections.js';
import { ENDING } from './connections/ending.js';
import { HttpLane } from './http/http-lane.js';
import { OpenExchanges } from './http/open-exchanges.js';
import { TcpDoor } from './tcp/tcp-door.js';

const DRAIN_POLL_MS = 20;

/** Knows the doors, and shuts them in order. */
@Injectable()
export class TransportService {
  constructor(
    private readonly lane: HttpLane,
    private readonly tcp: TcpDoor,
    private readonly connections: Connections,
    private readonly exchanges: OpenExchanges,
    private readonly announcements: Announcements,
    private readonly clock: Clock,
  ) {}

  /**
   * Takes no more work, says goodbye to whoever has none running, and waits for what runs: it goes on after as long as
   * it may take.
   * @param graceMs >= 0
   * @see REQUIREMENTS K-36, S2-32
   */
  async drain(graceMs: number): Promise<void> {
    this.lane.close();
    this.tcp.close();
    this.connections.stopAdmitting();
    this.announcements.endAll();
    const until = this.clock.monotonic() + graceMs;
    while (this.isBusy() && this.clock.monotonic() < until) await sleep(DRAIN_POLL_MS);
  }

  private isBusy(): boolean {
    this.connections.closeQuiet(ENDING.shutdown);
    return this.exchanges.runningCount + this.connections.runningCount > 0;
  }
}
