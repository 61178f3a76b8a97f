const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const AGO = /^(\d{1,6})([smhd])$/;
const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;

/**
 * A point in time, as people write it.
 * @param text ISO 8601, or how long ago: 15m
 * @param now ms since the epoch
 * @returns ms since the epoch; undefined where it is neither
 */
export function timeOf(text: string, now: number): number | undefined {
  const [, count, unit] = AGO.exec(text) ?? [];
  if (count !== undefined && unit !== undefined) return now - Number(count) * (UNITS[unit] as number);
  const point = ISO.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(point) ? undefined : point;
}
