import { type AppConfig, type LiveSettings, toolOverrideKey } from '../config/index.js';
import type { BreakerRules, BulkheadRules, RunLimit } from '../limits/index.js';
import type { ToolSourceEntry } from './tool-definition.js';

type Options = ToolSourceEntry['options'];
type ToolOverride = NonNullable<ReturnType<LiveSettings['toolOverrides']['get']>>;

/** Every limit of one tool: what an operator says of it stands over its author's word, and that over the defaults. */
export interface ToolLimits {
  readonly timeoutMs: number | undefined;
  readonly rates: Pick<RunLimit, 'runsPerMinute' | 'totalRunsPerMinute'>;
  readonly bulkhead: BulkheadRules;
  readonly breaker: BreakerRules;
}

/** Runs at once of a tool that sets no number: light work, K-31. */
const LIGHT_CONCURRENCY = 64;
const MS_PER_SEC = 1_000;

/** @param live what of the settings holds now */
export function limitsOf(options: Options, config: AppConfig, live: LiveSettings): ToolLimits {
  const override = live.toolOverrides.get(toolOverrideKey(options.name)) ?? {};
  return {
    timeoutMs: override.timeoutSec === undefined ? options.timeoutMs : override.timeoutSec * MS_PER_SEC,
    rates: ratesOf(options, override, live),
    bulkhead: bulkheadOf(options, override, config),
    breaker: breakerOf(options, override, config),
  };
}

/** How often it may run (K-9, W-25). */
function ratesOf(options: Options, override: ToolOverride, { rate }: LiveSettings): ToolLimits['rates'] {
  const { toolRunsPerMinute, toolTotalPerMinute } = options.command ? rate : {};
  return {
    runsPerMinute: override.runsPerMinute ?? options.runsPerMinute ?? toolRunsPerMinute,
    totalRunsPerMinute: override.totalRunsPerMinute ?? options.totalRunsPerMinute ?? toolTotalPerMinute,
  };
}

/** How many of it run at once (K-31). */
function bulkheadOf(options: Options, override: ToolOverride, { tools, limits }: AppConfig): BulkheadRules {
  const concurrency = options.command ? tools.defaultConcurrency : LIGHT_CONCURRENCY;
  return {
    limit: override.concurrency ?? options.concurrency ?? concurrency,
    queue: options.queue ?? limits.maxQueue,
    perCaller: override.perCaller ?? options.perCaller,
  };
}

/** When it rests (K-32). */
function breakerOf({ breaker = {} }: Options, override: ToolOverride, config: AppConfig): BreakerRules {
  const { failureThreshold, recoverySec, halfOpenSuccesses } = config.breaker;
  return {
    threshold: override.breakerThreshold ?? breaker.threshold ?? failureThreshold,
    recoveryMs: (override.breakerRecoverySec ?? breaker.recoverySec ?? recoverySec) * MS_PER_SEC,
    successes: halfOpenSuccesses,
  };
}
