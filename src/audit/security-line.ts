import { printable, withoutTokens } from '../common/index.js';
import type { SecurityDetails } from './security-log.js';

/** Characters kept of one detail. */
const MAX_DETAIL_CHARS = 500;

/**
 * `[SECURITY] {"timestamp":…,"event":…}` (S2-27): one line, whatever the details hold (W-38).
 * @param at ms since the epoch
 */
export function securityLine(event: string, details: SecurityDetails, at: number): string {
  const line = { timestamp: new Date(at).toISOString(), event, ...details };
  const json = JSON.stringify(line, (_key, value: unknown) => (typeof value === 'string' ? shown(value) : value));
  // What JSON leaves as it is stands in a text, where an escape means the same.
  return `[SECURITY] ${printable(json, Number.POSITIVE_INFINITY)}\n`;
}

function shown(text: string): string {
  const cut = text.length > MAX_DETAIL_CHARS ? `${text.slice(0, MAX_DETAIL_CHARS)}…` : text;
  // Details never hold a credential; what a stranger sent instead of one must not be passed on either.
  return withoutTokens(cut);
}
