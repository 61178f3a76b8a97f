import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { LruMap } from './lru-map.js';

describe('LruMap', () => {
  it('makes an entry once while it remembers it', () => {
    const map = new LruMap<object>(2);
    const make = jest.fn(() => ({}));
    const first = map.use('a', make);
    expect(map.use('a', make)).toBe(first);
    expect(make).toHaveBeenCalledTimes(1);
  });

  it('W-13 forgets the one that was used longest ago', () => {
    const map = new LruMap<number>(2);
    let made = 0;
    const make = (): number => ++made;
    map.use('a', make);
    map.use('b', make);
    map.use('a', make);
    map.use('c', make);
    expect([map.use('a', make), map.use('c', make), map.size]).toEqual([1, 3, 2]);
    expect(map.use('b', make)).toBe(4);
  });

  it('W-13 keeps what a naive list would, and never more than its size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(fc.constantFrom(...'abcdefgh')), (max, keys) => {
        const map = new LruMap<string>(max);
        const used: string[] = [];
        for (const key of keys) {
          const isKnown = used.slice(-max).includes(key);
          let isNew = false;
          map.use(key, () => {
            isNew = true;
            return key;
          });
          expect(isNew).toBe(!isKnown);
          if (used.includes(key)) used.splice(used.indexOf(key), 1);
          used.push(key);
          expect(map.size).toBe(Math.min(max, used.length));
        }
      }),
    );
  });

  it('looks at an entry without using it', () => {
    const map = new LruMap<number>(2);
    map.use('a', () => 1);
    map.use('b', () => 2);
    expect([map.find('a'), map.find('c'), [...map.values()]]).toEqual([1, undefined, [1, 2]]);
    map.use('c', () => 3);
    expect(map.find('a')).toBeUndefined();
  });

  it('W-25 S4-33 forgets idle entries as others come, so that one that was full shrinks again', () => {
    let isOver = false;
    const map = new LruMap<number>(100, (value) => isOver && value < 100);
    for (let i = 0; i < 100; i++) map.use(String(i), () => i);
    isOver = true;
    for (let i = 100; i < 150; i++) map.use(String(i), () => i);
    expect([map.size, map.find('99'), map.find('100')]).toEqual([50, undefined, 100]);
  });

  it('keeps what is not idle behind the one used longest ago', () => {
    const map = new LruMap<number>(100, (value) => value === 2);
    for (const value of [1, 2, 3]) map.use(String(value), () => value);
    expect([...map.values()]).toEqual([1, 2, 3]);
  });
});
