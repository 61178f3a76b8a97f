import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Connections } from '../connections/connections.js';
import { HeldDoor } from '../connections/held-door.js';
import { type Door, Doors } from '../door.js';
import { httpFamilies } from '../families.js';
import { HttpLane } from './http-lane.js';
import { OpenExchanges } from './open-exchanges.js';
import { SessionStreams } from './session-streams.js';

const LOOK_MS = 20;

/** The HTTP listener, as whoever ends the process sees it: Streamable HTTP itself, and the doors that share its port. */
@Injectable()
export class HttpDoor implements Door, OnApplicationBootstrap {
  readonly name = 'http';
  private isClosed = false;

  constructor(
    private readonly lane: HttpLane,
    private readonly exchanges: OpenExchanges,
    private readonly streams: SessionStreams,
    private readonly connections: Connections,
    private readonly doors: Doors,
    private readonly config: AppConfig,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.lane.isAttached) return;
    const { websocket, sse } = httpFamilies(this.config);
    this.doors.register(this);
    if (websocket) this.doors.register(new HeldDoor('websocket', this.connections));
    if (sse) this.doors.register(new HeldDoor('sse', this.connections));
  }

  /** Those that the other doors hold are counted there. */
  get connectionCount(): number {
    const held = this.connections.countOf('websocket') + this.connections.countOf('sse');
    return Math.max(0, this.lane.connectionCount - held);
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
}
