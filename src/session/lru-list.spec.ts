import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LruList, LruPlace } from './lru-list.js';

describe('LruList', () => {
  it('behaves as an array from which items are taken and to which they are appended', () => {
    const step = fc.tuple(fc.constantFrom('append', 'remove', 'refresh'), fc.nat(5));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const places = Array.from({ length: 6 }, (_, i) => new LruPlace(i));
        const list = new LruList<number>();
        let model: number[] = [];
        for (const [action, item] of steps) {
          const place = places[item] as LruPlace<number>;
          if (action === 'append' ? model.includes(item) : !model.includes(item)) continue;
          list[action as 'append'](place);
          model = model.filter((other) => other !== item);
          if (action !== 'remove') model.push(item);
          expect(list.oldest).toBe(model[0]);
        }
        for (const expected of model) {
          expect(list.oldest).toBe(expected);
          list.remove(places[expected] as LruPlace<number>);
        }
        expect(list.oldest).toBeUndefined();
      }),
    );
  });
});
