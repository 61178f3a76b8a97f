import type { Clock } from '../../common/index.js';

const MS_PER_SEC = 1_000;

/** What lasts longer is no order for a time: 30 days, s. */
export const MAX_DURATION_SEC = 2_592_000;

/** @returns ms since the epoch */
export function untilOf(durationSec: number, clock: Clock): number {
  return clock.now() + durationSec * MS_PER_SEC;
}

/** @param at ms since the epoch @returns as answers have it; null where there is none */
export function dateOf(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}
