import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson } from './canonical-json.js';

describe('canonicalJson', () => {
  it('is the same however keys were ordered, and JSON of the same value', () => {
    const shuffled = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(shuffled);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, member]) => [key, shuffled(member)]),
      );
    };
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const given: unknown = JSON.parse(JSON.stringify(value));
        expect(canonicalJson(shuffled(given))).toBe(canonicalJson(given));
        expect(JSON.parse(canonicalJson(given))).toEqual(given);
      }),
    );
  });
});
