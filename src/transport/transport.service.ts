import { setTimeout as pause } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { SecurityLog } from '../audit/index.js';
import { Lifecycle } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { Announcements, RunningWork } from '../dispatch/index.js';
import { type Door, Doors } from './door.js';

const LOOK_MS = 20;
const MS_PER_SEC = 1_000;
/** What is kept of the grace for ending what did not finish: child processes get 2 s between SIGTERM and SIGKILL. */
const RESERVE_MS = 5_000;
/** Time for the answers of what was ended early to leave. */
const LAST_WORDS_MS = 500;

/** Opens and ends the doors, all of them alike. */
@Injectable()
export class TransportService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(TransportService.name);
  private draining: Promise<void> | undefined;

  constructor(
    private readonly doors: Doors,
    private readonly work: RunningWork,
    private readonly announcements: Announcements,
    private readonly lifecycle: Lifecycle,
    private readonly security: SecurityLog,
    private readonly config: AppConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.lifecycle.started();
  }

  /** A host application ends its doors by closing; the server of the command line has ended them by then. */
  beforeApplicationShutdown(): Promise<void> {
    return this.drain(this.config.server.shutdownGraceSec * MS_PER_SEC);
  }

  /**
   * Ends the doors: nothing new is taken from now on, what runs may finish, what did not by then is ended, and everyone
   * is sent away (K-36, S4-34). A second call waits for the first.
   * @param graceMs >= 0, for all of it; what runs gets it but for the last 5 s, or the half where that is less
   */
  drain(graceMs: number): Promise<void> {
    return (this.draining ??= this.end(graceMs));
  }

  private async end(graceMs: number): Promise<void> {
    const { all, connectionCount } = this.doors;
    this.lifecycle.stop();
    this.security.emit('server_shutdown', { activeConnections: connectionCount });
    this.logger.log(`Stopping: ${this.work.count} calls run, ${connectionCount} connections are open`);
    for (const door of all) door.stopAccepting();
    this.announcements.endAll();

    const reserveMs = Math.min(RESERVE_MS, graceMs / 2);
    const finished = Promise.all([this.idle(), ...all.map((door) => this.each(door, () => door.drain()))]);
    if (!(await isWithin(graceMs - reserveMs, finished))) {
      this.logger.warn(`Stopping: ${this.work.count} calls did not finish in time, and are ended`);
      this.work.abortAll();
      await isWithin(Math.min(LAST_WORDS_MS, reserveMs), finished);
    }
    await Promise.all(all.map((door) => this.each(door, () => door.close())));
    this.logger.log('Stopping: all doors are closed');
  }

  private async idle(): Promise<void> {
    while (this.work.count > 0) await pause(LOOK_MS, undefined, { ref: false });
  }

  /** One door that fails at its end does not keep the others from theirs. */
  private async each(door: Door, step: () => void | Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.logger.error(`The ${door.name} door did not end in order`, error instanceof Error ? error.stack : error);
    }
  }
}

async function isWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController();
  const late = pause(ms, false, { signal: timer.signal }).catch(() => false);
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    timer.abort();
  }
}
