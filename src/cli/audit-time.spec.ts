import { describe, expect, it } from '@jest/globals';
import { timeOf } from './audit-time.js';

const NOW = Date.UTC(2026, 0, 2);

describe('timeOf', () => {
  it.each([
    ['90s', NOW - 90_000],
    ['15m', NOW - 900_000],
    ['2h', NOW - 7_200_000],
    ['1d', Date.UTC(2026, 0, 1)],
    ['2025-12-31', Date.UTC(2025, 11, 31)],
    ['2025-12-31T12:30:00Z', Date.UTC(2025, 11, 31, 12, 30)],
    ['2025-12-31T12:30:00.250+01:00', Date.UTC(2025, 11, 31, 11, 30, 0, 250)],
  ])('reads %s', (text, point) => {
    expect(timeOf(text, NOW)).toBe(point);
  });

  it.each(['', 'yesterday', '15', '5w', '-5m', '2025', '2025-13-01', '1,5h'])('does not read %j', (text) => {
    expect(timeOf(text, NOW)).toBeUndefined();
  });
});
