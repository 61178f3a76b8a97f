import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type BeforeApplicationShutdown, Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { Challenges } from './challenges.js';
import { type HttpCaller, HttpExchange } from './http-exchange.js';
import { SessionStreams } from './session-streams.js';
import { StreamLogs } from './stream-logs.js';

const SWEEP_MS = 1_000;

/**
 * What is open on the HTTP door: running POSTs and the streams of GETs. One timer for all of them keeps quiet ones
 * alive, and ends calls that nobody came back for (D-3).
 */
@Injectable()
export class OpenExchanges implements OnModuleInit, BeforeApplicationShutdown {
  private readonly running = new Set<HttpExchange>();
  private timer: NodeJS.Timeout | undefined;
  private keptAliveAt = 0;

  constructor(
    private readonly streams: SessionStreams,
    private readonly logs: StreamLogs,
    private readonly challenges: Challenges,
    private readonly config: AppConfig,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  /** Before, not on: a server that waits for its connections would wait for these streams. */
  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
    this.streams.endAll();
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
      if (exchange.isGone) {
        this.endIfAbandoned(exchange, now);
        continue;
      }
      exchange.goneSince = undefined;
      if (isDue && now - exchange.startedAt >= this.config.http.keepAliveMs) exchange.keepAlive();
    }
  }

  /** A broken connection never cancels a call of this era; nobody coming back in time does. */
  private endIfAbandoned(exchange: HttpExchange, now: number): void {
    exchange.goneSince ??= now;
    if (now - exchange.goneSince < this.config.sessions.resumeMs) return;
    exchange.abandon();
  }
}
