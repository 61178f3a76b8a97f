import type { ServerResponse } from 'node:http';
import { type BeforeApplicationShutdown, Injectable, Logger } from '@nestjs/common';
import { CredentialWatch, type Principal } from '../../auth/index.js';
import { ProtocolError } from '../../common/index.js';
import { AppConfig } from '../../config/index.js';
import { HealthReporter } from '../../health/index.js';
import { MetricsReport } from '../metrics/metrics-report.js';

const MS_PER_SEC = 1_000;
const KEEP_ALIVE_MS = 15_000;
const MAX_LISTENERS = 50;
/** What may wait for a listener that does not read: beyond that it is let go. */
const MAX_WAITING_BYTES = 1_048_576;

/** Tells everyone who listens how the server does, all of them on one timer (S4-9). */
@Injectable()
export class EventsFeed implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Events');
  private readonly listeners = new Set<ServerResponse>();
  private timers: NodeJS.Timeout[] = [];

  constructor(
    private readonly health: HealthReporter,
    private readonly metrics: MetricsReport,
    private readonly credentials: CredentialWatch,
    private readonly config: AppConfig,
  ) {}

  /** Before, not on: a server that waits for its connections would wait for these streams. */
  beforeApplicationShutdown(): void {
    for (const res of this.listeners) res.end();
    this.stop();
  }

  /**
   * Makes an answer a stream of events, which begins with both.
   * @throws ProtocolError connection_limit
   */
  async open(res: ServerResponse, principal: Principal): Promise<void> {
    if (this.listeners.size >= MAX_LISTENERS) {
      throw new ProtocolError('connection_limit', `${MAX_LISTENERS} listen already: close another stream first.`);
    }
    res.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-cache, no-transform',
      'X-Accel-Buffering': 'no',
    });
    this.listeners.add(res);
    const unwatch = this.credentials.watch(principal, () => res.end());
    res.once('close', () => {
      unwatch();
      this.listeners.delete(res);
      if (this.listeners.size === 0) this.stop();
    });
    if (this.timers.length === 0) this.start();
    const news = await this.news();
    if (!res.destroyed) res.write(news);
  }

  private start(): void {
    const tell = (): void => {
      this.news().then(
        (text) => this.send(text),
        (error: unknown) => this.logger.error('No news', error instanceof Error ? error.stack : String(error)),
      );
    };
    this.timers = [
      setInterval(tell, this.config.metrics.eventsIntervalSec * MS_PER_SEC).unref(),
      setInterval(() => this.send(': keep-alive\n\n'), KEEP_ALIVE_MS).unref(),
    ];
  }

  private stop(): void {
    for (const timer of this.timers) clearInterval(timer);
    this.timers = [];
  }

  private send(text: string): void {
    for (const res of this.listeners) {
      if (res.writableLength > MAX_WAITING_BYTES) res.destroy();
      else res.write(text);
    }
  }

  private async news(): Promise<string> {
    const { full } = await this.health.report();
    return event('health', full) + event('metrics', await this.metrics.report());
  }
}

function event(type: string, data: object): string {
  return `data: ${JSON.stringify({ type, data })}\n\n`;
}
