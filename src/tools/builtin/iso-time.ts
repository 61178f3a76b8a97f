const MS_PER_MINUTE = 60_000;
const MINUTES_PER_HOUR = 60;

/**
 * Writes a moment as the clock on the wall shows it, in ISO 8601 with the offset: `2026-11-21T10:15:00.000+02:00`.
 * @param epochMs ms since the epoch
 * @param offsetMinutes what the wall is ahead of UTC, minutes; negative in the west
 */
export function isoWithOffset(epochMs: number, offsetMinutes: number): string {
  const wall = new Date(epochMs + offsetMinutes * MS_PER_MINUTE).toISOString().slice(0, -1);
  const ahead = Math.abs(offsetMinutes);
  const hours = twoDigits(Math.floor(ahead / MINUTES_PER_HOUR));
  return `${wall}${offsetMinutes < 0 ? '-' : '+'}${hours}:${twoDigits(ahead % MINUTES_PER_HOUR)}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
