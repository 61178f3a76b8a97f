import type { PolicyTarget } from './policy-target.js';
import type { Principal } from './principal.js';

/** How often a caller may run a target: the roles' word over that of the target. */
export abstract class RateRules {
  /** @returns runs a minute, >= 1; undefined means no limit */
  abstract runsPerMinute(principal: Principal, target: PolicyTarget): number | undefined;
}
