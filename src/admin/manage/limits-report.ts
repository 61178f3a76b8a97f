import { Injectable } from '@nestjs/common';
import { AppConfig, LiveSettings } from '../../config/index.js';
import { BreakerWatch, RateLimiter } from '../../limits/index.js';
import { SessionService } from '../../session/index.js';
import { type RegisteredTool, ToolRegistry } from '../../tools/index.js';
import { dateOf } from './durations.js';

/** What is allowed at most, and how much of it is taken now, as one JSON object. */
@Injectable()
export class LimitsReport {
  constructor(
    private readonly config: AppConfig,
    private readonly settings: LiveSettings,
    private readonly sessions: SessionService,
    private readonly registry: ToolRegistry,
    private readonly rates: RateLimiter,
    private readonly breakers: BreakerWatch,
  ) {}

  report(): object {
    const { limits, sessions } = this.config;
    const { rate } = this.settings;
    return {
      messages: {
        enabled: rate.enabled,
        perWindow: rate.maxMessages,
        burst: rate.burst,
        windowMs: rate.windowMs,
        inFlightPerSession: limits.maxInFlight,
        maxBatch: limits.maxBatch,
        maxMessageBytes: limits.maxMessageBytes,
        maxBodyBytes: limits.maxBodyBytes,
      },
      connections: { perWindowAndAddress: rate.maxConnections, windowMs: rate.windowMs },
      rest: { perWindow: rate.maxRestRequests, windowMs: rate.windowMs },
      remembered: { ...this.rates.trackedKeys(), atMost: rate.maxClients },
      sessions: { max: sessions.max, maxPerClient: sessions.maxPerClient, open: this.sessions.count },
      tools: Object.fromEntries(this.registry.all().map((tool) => [tool.name, toolView(tool)])),
      breakerChanges: this.breakers
        .recent()
        .map(({ tool, from, to, why, at }) => ({ tool, from, to, why, at: dateOf(at) })),
    };
  }
}

function toolView({ target, timeoutMs, bulkhead, breaker }: RegisteredTool): object {
  const { limit, queue, perCaller } = bulkhead.rules;
  return {
    runsPerMinute: target.runsPerMinute ?? null,
    totalRunsPerMinute: target.totalRunsPerMinute ?? null,
    timeoutMs: timeoutMs ?? null,
    concurrency: limit,
    perCaller: perCaller ?? null,
    running: bulkhead.runningCount,
    queue,
    waiting: bulkhead.waitingCount,
    breaker: breaker.rules,
  };
}
