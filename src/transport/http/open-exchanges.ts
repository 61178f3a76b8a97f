import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { Challenges } from './challenges.js';
import { HttpCallers } from './http-callers.js';
import { type HttpCaller, HttpExchange } from './http-exchange.js';
import { SessionStreams } from './session-streams.js';
import { StreamLogs } from './stream-logs.js';

const SWEEP_MS = 1_000;

/**
 * What is open on the HTTP door: running POSTs and the streams of GETs. One timer for all of them keeps quiet ones
 * alive, and ends calls that nobody came back for (D-3).
 */
@Injectable()
export class OpenExchanges implements OnModuleInit, OnApplicationShutdown {
  private readonly running = new Set<HttpExchange>();
  private timer: NodeJS.Timeout | undefined;
  private keptAliveAt = 0;

  constructor(
    private readonly streams: SessionStreams,
    private readonly logs: StreamLogs,
    private readonly challenges: Challenges,
    private readonly config: AppConfig,
    private readonly clock: Clock,
    private readonly callers: HttpCallers,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  get runningCount(): number {
    return this.running.size;
  }

  /** Begins the answer to a POST; {@link close} ends it. */
  open(res: ServerResponse, caller: HttpCaller): HttpExchange {
    const exchange = new HttpExchange(res, caller, {
      startedAt: this.clock.monotonic(),
      logs: this.logs,
      challenges: this.challenges,
      maxBufferedBytes: this.config.limits.maxBodyBytes,
      callers: this.callers,
      // An answer that lasts lasts no longer than the credential that asked for it (D-10).
      onStream: (streaming) => this.callers.whileValid(caller.principal, () => streaming.revoke()),
    });
    this.running.add(exchange);
    return exchange;
  }

  /** A connection closed, with whatever it carried. */
  connectionClosed(socket: Socket): void {
    for (const exchange of this.running) if (exchange.isOn(socket)) exchange.leave();
  }

  close(exchange: HttpExchange): void {
    this.running.delete(exchange);
    exchange.closed();
  }

  sweep(): void {
    const now = this.clock.monotonic();
    const isDue = now - this.keptAliveAt >= this.config.http.keepAliveMs;
    if (isDue) {
      this.keptAliveAt = now;
      this.streams.keepAlive();
    }
    this.streams.sweep(now);
    this.logs.sweep();
    for (const exchange of this.running) {
      const goneSince = exchange.goneSince(now);
      if (goneSince === undefined) {
        if (isDue && now - exchange.startedAt >= this.config.http.keepAliveMs) exchange.keepAlive();
        continue;
      }
      // A broken connection never cancels a call of this era; nobody coming back in time does.
      if (now - goneSince >= this.config.sessions.resumeMs) exchange.abandon();
    }
  }
}
