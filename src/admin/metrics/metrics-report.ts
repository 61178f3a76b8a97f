import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/index.js';
import { type CallFigures, Instruments, MetricsRecorder, SystemSampler } from '../../metrics/index.js';
import { type MultiClientMetrics, SessionsSeen } from '../../transport/index.js';

const MS_PER_SEC = 1_000;

/** All figures as one JSON object: by tool, of the machine, and of sessions (S4-44, S3-10). */
@Injectable()
export class MetricsReport {
  private readonly startedAt: number;

  constructor(
    private readonly metrics: MetricsRecorder,
    private readonly seen: SessionsSeen,
    private readonly sampler: SystemSampler,
    private readonly instruments: Instruments,
    private readonly clock: Clock,
  ) {
    this.startedAt = clock.monotonic();
  }

  async report(): Promise<object> {
    const { cpuPercent, memoryPercent, diskPercent, loopLagMs } = await this.sampler.latest();
    const { rss, heapUsed, heapTotal } = process.memoryUsage();
    const tools = [...this.metrics.calls()]
      .filter(([key]) => key.startsWith('tool:'))
      .map(([key, figures]) => [key.slice('tool:'.length), figures] as const);
    const count = (of: (figures: CallFigures) => number): number =>
      tools.reduce((sum, [, figures]) => sum + of(figures), 0);
    return {
      ...this.multiClient(),
      uptime_seconds: Math.round((this.clock.monotonic() - this.startedAt) / MS_PER_SEC),
      request_count: count(({ executions }) => executions),
      error_count: count(({ byStatus }) => byStatus.failure + byStatus.timeout),
      active_connections: this.sumOf('mcp_connections_active'),
      system: {
        cpu: rounded(cpuPercent),
        memory: rounded(memoryPercent),
        disk: diskPercent === undefined ? null : rounded(diskPercent),
        event_loop_lag_ms: rounded(loopLagMs),
        rss_bytes: rss,
        heap_used_bytes: heapUsed,
        heap_total_bytes: heapTotal,
      },
      tools: Object.fromEntries(tools.map(([name, figures]) => [name, toolView(figures)])),
    };
  }

  /** What all clients together do (S3-10). */
  multiClient(): MultiClientMetrics {
    return this.seen.getMultiClientMetrics();
  }

  private sumOf(name: string): number {
    const family = this.instruments.families.find((candidate) => candidate.name === name);
    return (family?.samples() ?? []).reduce((sum, { value }) => sum + value, 0);
  }
}

/** Times in seconds. */
function toolView({ byStatus, active, durations, recentFailureRate }: CallFigures): object {
  const { success, failure, timeout, cancelled, refused } = byStatus;
  const { count, sumMs, minMs, maxMs } = durations;
  return {
    executions: count,
    successes: success,
    failures: failure + timeout,
    timeouts: timeout,
    cancelled,
    refused,
    active,
    avg_duration: seconds(count === 0 ? 0 : sumMs / count),
    min_duration: seconds(minMs),
    max_duration: seconds(maxMs),
    p50: seconds(durations.quantileMs(0.5)),
    p95: seconds(durations.quantileMs(0.95)),
    p99: seconds(durations.quantileMs(0.99)),
    success_rate: count === 0 ? 1 : success / count,
    recent_failure_rate: recentFailureRate,
  };
}

function seconds(ms: number): number {
  return Math.round(ms * MS_PER_SEC) / (MS_PER_SEC * MS_PER_SEC);
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
