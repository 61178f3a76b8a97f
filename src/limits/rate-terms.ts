import type { LiveSettings } from '../config/index.js';
import type { RateRules, RunTarget } from './rate-rules.js';

/** What stands for something that runs: its own limit besides what the roles of a caller say. */
interface OwnLimit extends RunTarget {
  readonly runsPerMinute: number | undefined;
}

/** The limits that hold now, by the settings and by the roles of a caller, whoever counts against them. */
export class RateTerms {
  constructor(
    private readonly settings: LiveSettings,
    private readonly rules: RateRules,
  ) {}

  get rate(): LiveSettings['rate'] {
    return this.settings.rate;
  }

  /** Connections of one address in one window, >= 1. */
  get connections(): number {
    return this.rate.maxConnections;
  }

  /** Messages of one caller in one window, >= 1. */
  messagesOf(roles: readonly string[]): number {
    const { maxMessages, burst } = this.rate;
    return this.rules.messages(roles) ?? maxMessages + burst;
  }

  /** Runs a minute of one caller, >= 1; undefined where there is no limit. */
  runsOf(roles: readonly string[], limit: OwnLimit): number | undefined {
    return this.rules.runsPerMinute(roles, limit) ?? limit.runsPerMinute;
  }
}
