import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Bulkhead } from './bulkhead.js';

const never = new AbortController().signal;
/** Lets promises that are settled run what waits for them. */
const settled = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};
const bulkheadOf = (limit: number, queue: number, perCaller?: number): Bulkhead =>
  new Bulkhead({ limit, queue, perCaller });

/** Calls of several callers, each of which says when it got its place, or that it had to give way. */
class Crowd {
  readonly served: string[] = [];
  readonly gaveWay: string[] = [];
  private readonly inside: string[] = [];

  constructor(readonly bulkhead: Bulkhead) {}

  /** @returns whether it runs, waits or is refused */
  call(caller: string, name = caller): 'runs' | 'waits' | 'refused' {
    if (this.bulkhead.tryEnter(caller)) {
      this.enter(caller, name);
      return 'runs';
    }
    const place = this.bulkhead.wait(caller, never);
    void place?.then((hasPlace) => (hasPlace ? this.enter(caller, name) : this.gaveWay.push(name)));
    return place ? 'waits' : 'refused';
  }

  /** Ends the run that is oldest, or the oldest of one caller. */
  async end(caller = this.inside[0] as string): Promise<void> {
    this.inside.splice(this.inside.indexOf(caller), 1);
    this.bulkhead.leave(caller, 10);
    await settled();
  }

  private enter(caller: string, name: string): void {
    this.served.push(name);
    this.inside.push(caller);
  }
}

describe('Bulkhead', () => {
  it('K-31 has as many places as it was given, and takes them back', () => {
    const bulkhead = bulkheadOf(2, 0);
    expect([bulkhead.tryEnter('a'), bulkhead.tryEnter('b'), bulkhead.tryEnter('c')]).toEqual([true, true, false]);
    expect(bulkhead.runningCount).toBe(2);
    bulkhead.leave('a', 1);
    expect([bulkhead.tryEnter('c'), bulkhead.tryEnter('c'), bulkhead.runningCount]).toEqual([true, false, 2]);
  });

  it('S4-38 takes another number of places while calls run: what waits gets those that are new', async () => {
    const crowd = new Crowd(bulkheadOf(1, 10));
    for (const name of ['a', 'b', 'c', 'd']) crowd.call(name);
    crowd.bulkhead.resize({ limit: 3, queue: 10, perCaller: undefined });
    await settled();
    expect([crowd.served, crowd.bulkhead.runningCount, crowd.bulkhead.waitingCount]).toEqual([['a', 'b', 'c'], 3, 1]);
    crowd.bulkhead.resize({ limit: 1, queue: 10, perCaller: undefined });
    await crowd.end();
    await crowd.end();
    expect([crowd.served.length, crowd.bulkhead.runningCount]).toEqual([3, 1]);
    await crowd.end();
    expect(crowd.served.at(-1)).toBe('d');
  });

  it('S4-38 holds what runs already against a limit for each caller that comes later', async () => {
    const crowd = new Crowd(bulkheadOf(4, 10));
    for (const name of ['a 1', 'a 2', 'a 3']) crowd.call('a', name);
    crowd.bulkhead.resize({ limit: 4, queue: 10, perCaller: 2 });
    expect([crowd.call('a', 'a 4'), crowd.call('b')]).toEqual(['waits', 'runs']);
    await crowd.end('a');
    expect(crowd.served.at(-1)).toBe('b');
    await crowd.end('a');
    expect(crowd.served.at(-1)).toBe('a 4');
    crowd.call('a', 'a 5');
    crowd.bulkhead.resize({ limit: 4, queue: 10, perCaller: undefined });
    await settled();
    expect([crowd.served.at(-1), crowd.bulkhead.waitingCount]).toEqual(['a 5', 0]);
    for (let i = 0; i < 4; i++) await crowd.end();
    expect(crowd.bulkhead.runningCount).toBe(0);
  });

  it('S4-22 of one caller, who comes first is served first, and nobody overtakes', async () => {
    const bulkhead = bulkheadOf(1, 10);
    bulkhead.tryEnter('x');
    const order: string[] = [];
    for (const name of ['a', 'b', 'c']) void bulkhead.wait('x', never)?.then(() => order.push(name));
    await settled();
    expect([order, bulkhead.waitingCount, bulkhead.tryEnter('x')]).toEqual([[], 3, false]);
    for (const served of ['a', 'b', 'c']) {
      bulkhead.leave('x', 1);
      // The place is theirs at once, before their promise has told them.
      expect([bulkhead.tryEnter('x'), bulkhead.runningCount]).toEqual([false, 1]);
      await settled();
      expect(order.at(-1)).toBe(served);
    }
    bulkhead.leave('x', 1);
    expect([bulkhead.runningCount, bulkhead.waitingCount, bulkhead.tryEnter('x')]).toEqual([0, 0, true]);
  });

  it('gives places round the callers that wait, whoever came first', async () => {
    const crowd = new Crowd(bulkheadOf(1, 10));
    crowd.call('hog', 'hog 0');
    for (let i = 1; i <= 4; i++) crowd.call('hog', `hog ${i}`);
    crowd.call('ada');
    crowd.call('bob', 'bob 1');
    crowd.call('bob', 'bob 2');
    for (let i = 0; i < 7; i++) await crowd.end();
    expect(crowd.served).toEqual(['hog 0', 'hog 1', 'ada', 'bob 1', 'hog 2', 'bob 2', 'hog 3', 'hog 4']);
  });

  it('lets nobody wait behind more than one call of each other caller', async () => {
    const callers = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(callers, fc.integer({ min: 1, max: 3 }), async (calls, limit) => {
        const crowd = new Crowd(bulkheadOf(limit, 100));
        for (let i = 0; i < limit; i++) crowd.call('first');
        for (const caller of calls) crowd.call(caller);
        const others = new Set(calls).size - 1;
        for (let i = 0; i < calls.length; i++) await crowd.end();
        const order = crowd.served.slice(limit);
        expect(order).toHaveLength(calls.length);
        for (const caller of new Set(calls)) {
          const turns = order.flatMap((name, turn) => (name === caller ? [turn] : []));
          turns.forEach((turn, i) => expect(turn - (turns[i - 1] ?? -1)).toBeLessThanOrEqual(others + 1));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('holds a caller to their own number of runs, and lets others pass them meanwhile', async () => {
    const crowd = new Crowd(bulkheadOf(3, 10, 1));
    expect([crowd.call('a', 'a 1'), crowd.call('a', 'a 2'), crowd.call('b'), crowd.call('a', 'a 3')]).toEqual([
      'runs',
      'waits',
      'runs',
      'waits',
    ]);
    expect([crowd.bulkhead.runningCount, crowd.bulkhead.waitingCount]).toEqual([2, 2]);
    expect(['a', 'c'].map((caller) => crowd.bulkhead.hasRoomFor(caller))).toEqual([true, true]);
    expect(crowd.call('c')).toBe('runs');
    await crowd.end('b');
    expect(crowd.served).toEqual(['a 1', 'b', 'c']);
    await crowd.end('a');
    expect(crowd.served).toEqual(['a 1', 'b', 'c', 'a 2']);
    await crowd.end('a');
    await crowd.end('a');
    await crowd.end('c');
    expect([crowd.served.at(-1), crowd.bulkhead.runningCount, crowd.bulkhead.waitingCount]).toEqual(['a 3', 0, 0]);
  });

  it('never runs more calls of a caller than they may, nor leaves a place empty that one could have', async () => {
    const actions = fc.array(fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.constant('end')), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 3 }),
        actions,
        async (limit, own, all) => {
          const bulkhead = bulkheadOf(limit, 50, own);
          const inside: string[] = [];
          const waiting: string[] = [];
          for (const action of all) {
            if (action !== 'end') {
              if (bulkhead.tryEnter(action)) inside.push(action);
              else {
                waiting.push(action);
                void bulkhead.wait(action, never)?.then(() => {
                  waiting.splice(waiting.indexOf(action), 1);
                  inside.push(action);
                });
              }
            } else if (inside.length > 0) {
              bulkhead.leave(inside.shift() as string, 1);
            }
            await settled();
            const runsOf = (caller: string): number => inside.filter((name) => name === caller).length;
            expect([bulkhead.runningCount, bulkhead.waitingCount]).toEqual([inside.length, waiting.length]);
            expect(inside.length).toBeLessThanOrEqual(limit);
            for (const caller of 'abc') expect(runsOf(caller)).toBeLessThanOrEqual(own);
            if (inside.length < limit) for (const caller of waiting) expect(runsOf(caller)).toBe(own);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('refuses whom the queue has no room for', async () => {
    const bulkhead = bulkheadOf(1, 1);
    bulkhead.tryEnter('a');
    const waiting = bulkhead.wait('a', never);
    expect(waiting).toBeInstanceOf(Promise);
    expect([bulkhead.hasRoomFor('b'), bulkhead.wait('b', never)]).toEqual([false, undefined]);
    bulkhead.leave('a', 1);
    expect(await waiting).toBe(true);
    expect(bulkhead.hasRoomFor('b')).toBe(true);
    expect(bulkhead.wait('b', never)).toBeInstanceOf(Promise);
    expect(bulkheadOf(1, 0).wait('a', never)).toBeUndefined();
  });

  it('lets the newest call of whoever fills the queue give way to a caller with fewer', async () => {
    const crowd = new Crowd(bulkheadOf(1, 3));
    crowd.call('hog');
    for (const name of ['hog 1', 'hog 2', 'hog 3']) crowd.call('hog', name);
    expect(['hog', 'ada'].map((caller) => crowd.bulkhead.hasRoomFor(caller))).toEqual([false, true]);
    expect([crowd.call('hog'), crowd.call('ada'), crowd.call('ada'), crowd.bulkhead.waitingCount]).toEqual([
      'refused',
      'waits',
      'refused',
      3,
    ]);
    await settled();
    expect(crowd.gaveWay).toEqual(['hog 3']);
    expect(crowd.call('bob')).toBe('waits');
    await settled();
    expect([crowd.gaveWay, crowd.call('eve')]).toEqual([['hog 3', 'hog 2'], 'refused']);
    for (let i = 0; i < 3; i++) await crowd.end();
    expect(crowd.served).toEqual(['hog', 'hog 1', 'ada', 'bob']);
  });

  it('W-19 who gives up while waiting leaves the queue, and is told why', async () => {
    const bulkhead = bulkheadOf(1, 2);
    bulkhead.tryEnter('a');
    const [first, second] = [new AbortController(), new AbortController()];
    const gone = bulkhead.wait('a', first.signal);
    const stays = bulkhead.wait('a', second.signal);
    const reason = new Error('gone');
    first.abort(reason);
    await expect(gone).rejects.toBe(reason);
    expect(bulkhead.waitingCount).toBe(1);
    bulkhead.leave('a', 1);
    expect(await stays).toBe(true);
    expect([bulkhead.runningCount, bulkhead.waitingCount]).toEqual([1, 0]);
  });

  it('who gave up before waiting takes no room', async () => {
    const bulkhead = bulkheadOf(1, 1);
    bulkhead.tryEnter('a');
    const reason = new Error('gone');
    await expect(bulkhead.wait('a', AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(bulkhead.waitingCount).toBe(0);
  });

  it('who gives up after getting the place still has it', async () => {
    const bulkhead = bulkheadOf(1, 1);
    bulkhead.tryEnter('a');
    const call = new AbortController();
    const place = bulkhead.wait('a', call.signal);
    bulkhead.leave('a', 1);
    call.abort(new Error('late'));
    expect(await place).toBe(true);
    expect([bulkhead.runningCount, bulkhead.waitingCount]).toEqual([1, 0]);
  });

  it('guesses when a place may be free from how long the runs before held theirs', () => {
    const bulkhead = bulkheadOf(2, 10);
    expect(bulkhead.retryAfterMs).toBe(1_000);
    for (const caller of ['a', 'b']) bulkhead.tryEnter(caller);
    bulkhead.leave('a', 8_000);
    bulkhead.tryEnter('a');
    expect(bulkhead.retryAfterMs).toBe(4_000);
    for (let i = 0; i < 3; i++) void bulkhead.wait('c', never);
    expect(bulkhead.retryAfterMs).toBe(16_000);
    bulkhead.leave('a', 10_000_000);
    expect(bulkhead.retryAfterMs).toBe(300_000);
  });

  it('loses no place and gives none twice, whatever comes in between', async () => {
    const steps = fc.array(fc.constantFrom('enter', 'wait', 'give up', 'leave', 'settle'), { maxLength: 80 });
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.nat(4),
      steps,
      fc.infiniteStream(fc.nat(1_000)),
      async (limit, queue, actions, picks) => {
        const bulkhead = bulkheadOf(limit, queue);
        const waiting: AbortController[] = [];
        let inside = 0;
        let givenUp = 0;
        let refused = 0;
        for (const action of actions) {
          if (action === 'enter' && bulkhead.tryEnter('a')) inside += 1;
          if (action === 'wait' && !bulkhead.tryEnter('a')) {
            const call = new AbortController();
            const place = bulkhead.wait('a', call.signal);
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
            bulkhead.leave('a', 1);
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
          bulkhead.leave('a', 1);
          await settled();
        }
        expect([waiting.length, bulkhead.waitingCount]).toEqual([0, 0]);
        for (let i = 0; i < limit; i++) expect(bulkhead.tryEnter('a')).toBe(true);
        expect(bulkhead.tryEnter('a')).toBe(false);
        expect(refused).toBe(givenUp);
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });
});
