import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { StartError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { type Door, Doors } from '../door.js';
import { HttpLane } from './http-lane.js';
import { OpenExchanges } from './open-exchanges.js';
import { SessionStreams } from './session-streams.js';

const LOOK_MS = 20;

/** Streamable HTTP, as whoever starts and ends the process sees it. */
@Injectable()
export class HttpDoor implements Door, OnModuleInit, OnApplicationBootstrap {
  readonly name = 'http';
  private isClosed = false;

  constructor(
    private readonly lane: HttpLane,
    private readonly exchanges: OpenExchanges,
    private readonly streams: SessionStreams,
    private readonly doors: Doors,
    private readonly config: AppConfig,
  ) {}

  onModuleInit(): void {
    if (this.isServed) this.doors.register(this);
  }

  /** @throws StartError HTTP is to be served, and no server was given */
  onApplicationBootstrap(): void {
    if (!this.isServed || this.lane.isAttached) return;
    throw new StartError('GatehouseModule has no HTTP server: call attachGatehouse(app) before app.listen().');
  }

  get connectionCount(): number {
    return this.lane.connectionCount;
  }

  stopAccepting(): void {
    this.lane.close();
  }

  /** Streams that carry no answer end with a hint when to come back. */
  async drain(): Promise<void> {
    this.streams.endIdle();
    while (this.exchanges.runningCount > 0 && !this.isClosed) await pause(LOOK_MS, undefined, { ref: false });
  }

  /** The connections themselves are the server's, which closes after this. */
  close(): void {
    this.isClosed = true;
    this.streams.endAll();
  }

  private get isServed(): boolean {
    return this.config.server.transports.includes('http');
  }
}
