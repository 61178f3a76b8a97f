import { Injectable } from '@nestjs/common';

/** What runs, as rules on rates name it. */
export interface RunTarget {
  readonly kind: 'tool' | 'resource' | 'prompt';
  /** Of a resource its URI, of a resource template the template. */
  readonly name: string;
  /** The URI that is read through a resource template. */
  readonly uri?: string | undefined;
}

/** Limits that differ from the settings, by role. */
export interface RateOverrides {
  /** @returns messages in one window for a caller of these roles, >= 1; undefined leaves what the settings say */
  messages?(roles: readonly string[]): number | undefined;

  /** @returns runs a minute for a caller of these roles, >= 1; undefined leaves what the tool and the settings say */
  runsPerMinute?(roles: readonly string[], target: RunTarget): number | undefined;
}

/**
 * Where the policy says which limits its roles have. Asked for each message and run, so that a change holds at once;
 * what was counted before counts under the new limit.
 */
@Injectable()
export class RateRules {
  private overrides: RateOverrides = {};

  /** Puts other overrides in place of those before. */
  use(overrides: RateOverrides): void {
    this.overrides = overrides;
  }

  messages(roles: readonly string[]): number | undefined {
    return this.overrides.messages?.(roles);
  }

  runsPerMinute(roles: readonly string[], target: RunTarget): number | undefined {
    return this.overrides.runsPerMinute?.(roles, target);
  }
}
