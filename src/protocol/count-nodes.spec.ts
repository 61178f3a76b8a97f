import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { surelyHoldsMoreThan } from './count-nodes.js';

/** Keys and items, counted on what the parser built. */
function nodesOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>((sum, item) => sum + 1 + nodesOf(item), 0);
}

describe('surelyHoldsMoreThan', () => {
  it('never says so of a text that holds as many or fewer', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const nodes = nodesOf(JSON.parse(text));
        expect(surelyHoldsMoreThan(text, Math.max(1, nodes))).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  it('says so of a text that holds more than twice as many', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const text = JSON.stringify(value);
        const nodes = nodesOf(JSON.parse(text));
        if (nodes > 8) expect(surelyHoldsMoreThan(text, Math.floor(nodes / 4))).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('looks at no mark inside a text, however its quotes are escaped', () => {
    for (const string of ['[[[[[[', ',,,,,,', '"[,{', '\\"[,{', '\\\\', '\\\\"[[[[', '\\'.repeat(9) + ',,,,']) {
      const text = JSON.stringify([string, string, string]);
      expect(surelyHoldsMoreThan(text, 3)).toBe(false);
    }
  });

  it('reads to the end of a text that is no JSON', () => {
    for (const text of ['"[[[[[[[[[[[[', '[[[[[[[["\\"', '\\"\\"\\"\\"\\"\\"']) {
      expect(typeof surelyHoldsMoreThan(text, 1)).toBe('boolean');
    }
    expect(surelyHoldsMoreThan('[[[[[[[[', 1)).toBe(true);
  });
});
