import type { AppConfig } from '../config/index.js';
import type { BreakerRules, BulkheadRules, RunLimit } from '../limits/index.js';
import type { ToolOptions } from './tool-options.js';

type ToolOverride = NonNullable<ReturnType<AppConfig['toolOverrides']['get']>>;

/** Runs at once of a tool that sets no number: light work, K-31. */
const LIGHT_CONCURRENCY = 64;
const MS_PER_SEC = 1_000;

/** How often a tool may run: the operator's word over its author's, over the default for what it is (K-9, W-25). */
export function ratesOf(options: ToolOptions, override: ToolOverride, { rate }: AppConfig): Omit<RunLimit, 'target'> {
  const { toolRunsPerMinute, toolTotalPerMinute } = options.command ? rate : {};
  return {
    perMinute: override.runsPerMinute ?? options.runsPerMinute ?? toolRunsPerMinute,
    totalPerMinute: override.totalRunsPerMinute ?? options.totalRunsPerMinute ?? toolTotalPerMinute,
  };
}

/** How many of it run at once (K-31). */
export function bulkheadOf(options: ToolOptions, override: ToolOverride, { tools, limits }: AppConfig): BulkheadRules {
  const concurrency = options.command ? tools.defaultConcurrency : LIGHT_CONCURRENCY;
  return {
    limit: override.concurrency ?? options.concurrency ?? concurrency,
    queue: options.queue ?? limits.maxQueue,
    perCaller: override.perCaller ?? options.perCaller,
  };
}

/** When it rests (K-32). */
export function breakerOf({ breaker = {} }: ToolOptions, override: ToolOverride, config: AppConfig): BreakerRules {
  const { failureThreshold, recoverySec, halfOpenSuccesses } = config.breaker;
  return {
    threshold: override.breakerThreshold ?? breaker.threshold ?? failureThreshold,
    recoveryMs: (override.breakerRecoverySec ?? breaker.recoverySec ?? recoverySec) * MS_PER_SEC,
    successes: halfOpenSuccesses,
  };
}
