import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isoWithOffset } from './iso-time.js';

const MOMENT = Date.UTC(2026, 10, 21, 8, 15, 30, 7);

describe('isoWithOffset', () => {
  it.each([
    [0, '2026-11-21T08:15:30.007+00:00'],
    [120, '2026-11-21T10:15:30.007+02:00'],
    [-210, '2026-11-21T04:45:30.007-03:30'],
    [840, '2026-11-21T22:15:30.007+14:00'],
    [-720, '2026-11-20T20:15:30.007-12:00'],
  ])('5.1 writes an offset of %d minutes', (offset, expected) => {
    expect(isoWithOffset(MOMENT, offset)).toBe(expected);
  });

  it('5.1 reads back as the same moment', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: -720, max: 840 }), (moment, offset) => {
        expect(Date.parse(isoWithOffset(moment, offset))).toBe(moment);
      }),
    );
  });
});
