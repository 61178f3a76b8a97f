import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Clock, Readiness, StartError } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { OpenExchanges } from './http/open-exchanges.js';
import { Announcements } from '../dispatch/index.js';
import { HttpLane } from './http/http-lane.js';

const DRAIN_POLL_MS = 20;

/** Knows the doors, and whether they can be opened. */
@Injectable()
export class TransportService implements OnApplicationBootstrap {
  constructor(
    private readonly config: AppConfig,
    private readonly lane: HttpLane,
    private readonly exchanges: OpenExchanges,
    private readonly announcements: Announcements,
    private readonly clock: Clock,
    private readonly readiness: Readiness,
  ) {}

  /**
   * Takes no more work, and waits for what runs: it goes on after as long as it may take.
   * @param graceMs >= 0
   */
  async drain(graceMs: number): Promise<void> {
    this.readiness.end();
    this.lane.close();
    this.announcements.endAll();
    const until = this.clock.monotonic() + graceMs;
    while (this.runningCount > 0 && this.clock.monotonic() < until) await sleep(DRAIN_POLL_MS);
  }

  private get runningCount(): number {
    return this.exchanges.runningCount + this.readiness.heldCount;
  }

  /** @throws StartError HTTP is to be served, and no server was given */
  onApplicationBootstrap(): void {
    if (!this.config.server.transports.includes('http') || this.lane.isAttached) return;
    throw new StartError('GatehouseModule has no HTTP server: call attachGatehouse(app) before app.listen().');
  }
}
