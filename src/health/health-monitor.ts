import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { HealthIndicatorService } from '@nestjs/terminus';
import { Clock } from '../common/index.js';
import { AppConfig } from '../config/index.js';
import { type HealthFinding, type HealthIndicator, HealthIndicators, type HealthStatus } from './health-indicators.js';
import { type HealthSummary, type Judged, priorityOf, summaryOf, verdictOf } from './verdict.js';

const MS_PER_SEC = 1_000;
/** A round older than this is not told any more: another is run first (S4-42). */
const STALE_MS = 60_000;
const HISTORY = 100;
const SHOWN = 10;

/** What one check found, when, and how long it took. */
export interface CheckReport extends Judged, HealthFinding {
  readonly durationMs: number;
}

/** One round of all checks. */
export interface HealthRound {
  readonly status: HealthStatus;
  /** When it ended, ms since the epoch. */
  readonly at: number;
  readonly checks: Readonly<Record<string, CheckReport>>;
  readonly summary: HealthSummary;
}

/** A round, as it is remembered. */
export type PastRound = Pick<HealthRound, 'status' | 'at'>;

/** Looks at everything every so often, one round at a time, each check within its time (S4-42). */
@Injectable()
export class HealthMonitor implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly past: PastRound[] = [];
  private readonly hanging = new Set<string>();
  private running: Promise<HealthRound> | undefined;
  private newest: { readonly round: HealthRound; readonly at: number } | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly indicators: HealthIndicators,
    private readonly results: HealthIndicatorService,
    private readonly config: AppConfig,
    private readonly clock: Clock,
  ) {}

  onApplicationBootstrap(): void {
    void this.run();
    this.timer = setInterval(() => void this.run(), this.config.health.intervalSec * MS_PER_SEC).unref();
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** The last rounds, the newest first. */
  get history(): readonly PastRound[] {
    return this.past.slice(-SHOWN).reverse();
  }

  get roundsKept(): number {
    return this.past.length;
  }

  /** The newest round that has ended, however old. */
  get last(): HealthRound | undefined {
    return this.newest?.round;
  }

  /** @returns a round that is not stale */
  async current(): Promise<HealthRound> {
    if (this.newest && this.clock.monotonic() - this.newest.at <= STALE_MS) return this.newest.round;
    return this.run();
  }

  /** Runs a round; who asks while one runs gets that one. */
  run(): Promise<HealthRound> {
    return (this.running ??= this.round().finally(() => (this.running = undefined)));
  }

  private async round(): Promise<HealthRound> {
    const reports = await Promise.all(
      this.indicators.list().map(async (indicator) => [indicator.name, await this.check(indicator)] as const),
    );
    const judged = reports.map(([, report]) => report);
    const round = {
      status: verdictOf(judged),
      at: this.clock.now(),
      checks: Object.fromEntries(reports),
      summary: summaryOf(judged),
    };
    this.newest = { round, at: this.clock.monotonic() };
    this.past.push({ status: round.status, at: round.at });
    if (this.past.length > HISTORY) this.past.shift();
    return round;
  }

  private async check(indicator: HealthIndicator): Promise<CheckReport> {
    const priority = priorityOf(indicator.priority);
    const startedAt = this.clock.monotonic();
    const finding = this.hanging.has(indicator.name) ? STILL_RUNNING : await this.look(indicator);
    return { ...finding, priority, durationMs: Math.round(this.clock.monotonic() - startedAt) };
  }

  /** Terminus keeps the time and catches what is thrown; what the check found stands beside its result. */
  private async look(indicator: HealthIndicator): Promise<HealthFinding> {
    const { name, timeoutMs = this.config.health.timeoutSec * MS_PER_SEC } = indicator;
    let finding: HealthFinding | undefined;
    const { [name]: result } = await this.results
      .check(name)
      .attempt(async ({ signal }) => {
        this.hanging.add(name);
        try {
          finding = await indicator.check(signal);
        } finally {
          this.hanging.delete(name);
        }
      })
      .withTimeout(timeoutMs);
    if (result?.status === 'up' && finding) return finding;
    const { message } = result as { message?: unknown };
    return { status: 'unhealthy', message: typeof message === 'string' ? message : 'It found nothing' };
  }
}

const STILL_RUNNING: HealthFinding = { status: 'unhealthy', message: 'The check of an earlier round still runs' };
