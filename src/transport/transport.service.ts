import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { StartError } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { HttpLane } from './http/http-lane.js';

/** Knows the doors, and whether they can be opened. */
@Injectable()
export class TransportService implements OnApplicationBootstrap {
  constructor(
    private readonly config: AppConfig,
    private readonly lane: HttpLane,
  ) {}

  /** @throws StartError HTTP is to be served, and no server was given */
  onApplicationBootstrap(): void {
    if (!this.config.server.transports.includes('http') || this.lane.isAttached) return;
    throw new StartError('GatehouseModule has no HTTP server: call attachGatehouse(app) before app.listen().');
  }
}
