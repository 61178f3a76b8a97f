import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Bulkhead } from './bulkhead.js';

const never = new AbortController().signal;
/** Lets promises that are settled run what waits for them. */
const settled = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};

describe('Bulkhead', () => {
  it('K-31 has as many places as it was given, and takes them back', () => {
    const bulkhead = new Bulkhead(2, 0);
    expect([bulkhead.tryEnter(), bulkhead.tryEnter(), bulkhead.tryEnter()]).toEqual([true, true, false]);
    expect(bulkhead.runningCount).toBe(2);
    bulkhead.leave();
    expect([bulkhead.tryEnter(), bulkhead.tryEnter(), bulkhead.runningCount]).toEqual([true, false, 2]);
  });

  it('S4-38 can be given more places, which those take who wait, or fewer, which run out', async () => {
    const bulkhead = new Bulkhead(1, 10);
    const order: string[] = [];
    bulkhead.tryEnter();
    for (const name of ['a', 'b', 'c']) void bulkhead.wait(never)?.then(() => order.push(name));
    bulkhead.resize(3);
    await settled();
    expect([order, bulkhead.limit, bulkhead.runningCount, bulkhead.waitingCount]).toEqual([['a', 'b'], 3, 3, 1]);
    bulkhead.resize(1);
    bulkhead.leave();
    bulkhead.leave();
    await settled();
    expect([order, bulkhead.runningCount]).toEqual([['a', 'b'], 1]);
    bulkhead.leave();
    await settled();
    expect([order, bulkhead.runningCount]).toEqual([['a', 'b', 'c'], 1]);
  });

  it('S4-22 who comes first is served first, and nobody overtakes', async () => {
    const bulkhead = new Bulkhead(1, 10);
    bulkhead.tryEnter();
    const order: string[] = [];
    for (const name of ['a', 'b', 'c']) void bulkhead.wait(never)?.then(() => order.push(name));
    await settled();
    expect([order, bulkhead.waitingCount, bulkhead.tryEnter()]).toEqual([[], 3, false]);
    for (const served of ['a', 'b', 'c']) {
      bulkhead.leave();
      // The place is theirs at once, before their promise has told them.
      expect([bulkhead.tryEnter(), bulkhead.runningCount]).toEqual([false, 1]);
      await settled();
      expect(order.at(-1)).toBe(served);
    }
    bulkhead.leave();
    expect([bulkhead.runningCount, bulkhead.waitingCount, bulkhead.tryEnter()]).toEqual([0, 0, true]);
  });

  it('refuses whom the queue has no room for', async () => {
    const bulkhead = new Bulkhead(1, 1);
    bulkhead.tryEnter();
    const waiting = bulkhead.wait(never);
    expect(waiting).toBeInstanceOf(Promise);
    expect(bulkhead.wait(never)).toBeUndefined();
    bulkhead.leave();
    await waiting;
    expect(bulkhead.wait(never)).toBeInstanceOf(Promise);
    expect(new Bulkhead(1, 0).wait(never)).toBeUndefined();
  });

  it('W-19 who gives up while waiting leaves the queue, and is told why', async () => {
    const bulkhead = new Bulkhead(1, 2);
    bulkhead.tryEnter();
    const [first, second] = [new AbortController(), new AbortController()];
    const gone = bulkhead.wait(first.signal);
    const stays = bulkhead.wait(second.signal);
    const reason = new Error('gone');
    first.abort(reason);
    await expect(gone).rejects.toBe(reason);
    expect(bulkhead.waitingCount).toBe(1);
    bulkhead.leave();
    await stays;
    expect([bulkhead.runningCount, bulkhead.waitingCount]).toEqual([1, 0]);
  });

  it('who gave up before waiting takes no room', async () => {
    const bulkhead = new Bulkhead(1, 1);
    bulkhead.tryEnter();
    const reason = new Error('gone');
    await expect(bulkhead.wait(AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(bulkhead.waitingCount).toBe(0);
  });

  it('who gives up after getting the place still has it', async () => {
    const bulkhead = new Bulkhead(1, 1);
    bulkhead.tryEnter();
    const call = new AbortController();
    const place = bulkhead.wait(call.signal);
    bulkhead.leave();
    call.abort(new Error('late'));
    await place;
    expect([bulkhead.runningCount, bulkhead.waitingCount]).toEqual([1, 0]);
  });

  it('loses no place and gives none twice, whatever comes in between', async () => {
    const steps = fc.array(fc.constantFrom('enter', 'wait', 'give up', 'leave', 'settle'), { maxLength: 80 });
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.nat(4),
      steps,
      fc.infiniteStream(fc.nat(1_000)),
      async (limit, queue, actions, picks) => {
        const bulkhead = new Bulkhead(limit, queue);
        const waiting: AbortController[] = [];
        let inside = 0;
        let givenUp = 0;
        let refused = 0;
        for (const action of actions) {
          if (action === 'enter' && bulkhead.tryEnter()) inside += 1;
          if (action === 'wait' && !bulkhead.tryEnter()) {
            const call = new AbortController();
            const place = bulkhead.wait(call.signal);
            expect(place === undefined).toBe(waiting.length >= queue);
            if (place) {
              waiting.push(call);
              place.then(
                () => waiting.splice(waiting.indexOf(call), 1),
                () => (refused += 1),
              );
            }
          } else if (action === 'wait') inside += 1;
          if (action === 'give up' && waiting.length > 0) {
            const [call] = waiting.splice((picks.next().value as number) % waiting.length, 1);
            call?.abort(new Error('gone'));
            givenUp += 1;
          }
          if (action === 'leave' && inside > 0) {
            if (waiting.length === 0) inside -= 1;
            bulkhead.leave();
            await settled();
          }
          if (action === 'settle') await settled();
          expect(bulkhead.runningCount).toBe(inside);
          expect(bulkhead.runningCount).toBeLessThanOrEqual(limit);
          expect(bulkhead.waitingCount).toBe(waiting.length);
          // Nobody waits while there is a place.
          if (waiting.length > 0) expect(bulkhead.runningCount).toBe(limit);
        }
        while (bulkhead.runningCount > 0) {
          bulkhead.leave();
          await settled();
        }
        expect([waiting.length, bulkhead.waitingCount]).toEqual([0, 0]);
        for (let i = 0; i < limit; i++) expect(bulkhead.tryEnter()).toBe(true);
        expect(bulkhead.tryEnter()).toBe(false);
        expect(refused).toBe(givenUp);
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });
});
