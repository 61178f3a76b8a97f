import { beforeEach, describe, expect, it } from '@jest/globals';
import { FailingStore } from '../../../test/support/failing-store.js';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { callScope, type SharedState, ToolWorld } from '../../../test/support/tool-world.js';
import { ProtocolError, ToolError } from '../../common/index.js';
import { LocalBus } from '../../store/bus.js';
import { MemoryDurableStore } from '../../store/memory/memory-durable-store.js';
import { Replica } from '../../store/replica.js';
import { StoreHealth } from '../../store/store-health.js';
import type { ToolSourceEntry } from '../tool-definition.js';
import { digestOf } from './keyed-record.js';

class SharedHealth extends StoreHealth {
  override readonly state = 'up';

  override onChange(): () => void {
    return () => undefined;
  }
}

const keyed = (key = 'k', more: Parameters<typeof callScope>[0] = {}) => callScope({ idempotencyKey: key, ...more });

describe('D-15 calls with an idempotency key', () => {
  let runs: number;
  let world: ToolWorld;
  const counting: ToolSourceEntry['run'] = () => `run ${++runs}`;

  beforeEach(() => {
    runs = 0;
    world = new ToolWorld();
  });

  const textOf = async (call: Promise<unknown>): Promise<unknown> =>
    ((await call) as { content: { text: string }[] }).content[0]?.text;

  it('run once, and give the same result again, marked as such', async () => {
    world.add({}, counting);
    const first = await world.call({ a: 1, b: [2] }, keyed());
    const again = await world.call({ b: [2], a: 1 }, keyed());
    expect(first).toEqual({ content: [{ type: 'text', text: 'run 1' }] });
    expect(again).toEqual({ ...first, _meta: { 'mcp-gatehouse/replayed': true } });
    expect(runs).toBe(1);
  });

  it('run again without a key, with another key, for another caller and for another tool', async () => {
    world.add({}, counting).add({ name: 'other' }, counting);
    await world.call({}, callScope());
    await world.call({}, keyed('a'));
    await world.call({}, keyed('b'));
    await world.call({}, keyed('a', { callerKey: 'bob' }));
    await world.call({}, keyed('a'), 'other');
    expect(runs).toBe(5);
  });

  it('refuse a key that was used with other arguments', async () => {
    world.add({}, counting);
    await world.call({ a: 1 }, keyed());
    await expect(world.call({ a: 2 }, keyed())).rejects.toMatchObject({ kind: 'idempotency_conflict' });
    expect(runs).toBe(1);
  });

  it('give a failure that the model reads again as well', async () => {
    world.add({}, () => {
      runs += 1;
      throw new ToolError('No such city');
    });
    const first = await world.call({}, keyed());
    expect(first).toMatchObject({ isError: true, content: [{ text: 'No such city' }] });
    expect(await world.call({}, keyed())).toMatchObject({ isError: true, content: [{ text: 'No such city' }] });
    expect(runs).toBe(1);
  });

  it('wait for the one that runs, however many come at once', async () => {
    let finish: (text: string) => void = () => undefined;
    world.add({}, () => {
      runs += 1;
      return new Promise<string>((resolve) => (finish = resolve));
    });
    const calls = Array.from({ length: 5 }, () => textOf(world.call({}, keyed())));
    await new Promise((resolve) => setImmediate(resolve));
    finish('done');
    expect(await Promise.all(calls)).toEqual(Array(5).fill('done'));
    expect(runs).toBe(1);
  });

  it('end with their own caller, not with the one that they wait for', async () => {
    let finish: (text: string) => void = () => undefined;
    world.add({}, () => new Promise<string>((resolve) => (finish = resolve)));
    const first = world.call({}, keyed());
    await new Promise((resolve) => setImmediate(resolve));
    const scope = keyed();
    const second = world.call({}, scope);
    await new Promise((resolve) => setImmediate(resolve));
    scope.cancel('spec');
    await expect(second).rejects.toMatchObject({ kind: 'cancelled' });
    finish('done');
    expect(await textOf(first)).toBe('done');
  });

  it('may be tried again with their key where they never began', async () => {
    world.add({ concurrency: 1, queue: 0 }, () => new Promise(() => undefined));
    void world.call({}, callScope());
    expect(await world.call({}, keyed())).toMatchObject({ isError: true });
    world = new ToolWorld();
    world.add({ roles: ['operator'] }, counting);
    expect(await textOf(world.call({}, keyed()))).toBe('run 1');
  });

  it('are outcome_unknown where they were cut short, unless a repeat does no harm', async () => {
    const hang: ToolSourceEntry['run'] = () => (++runs > 2 ? 'late' : new Promise(() => undefined));
    world.add({}, hang).add({ name: 'safe', idempotent: true }, hang);
    for (const name of ['tool', 'safe']) {
      const scope = keyed();
      const call = world.call({}, scope, name);
      await new Promise((resolve) => setImmediate(resolve));
      scope.cancel('spec');
      await expect(call).rejects.toMatchObject({ kind: 'cancelled' });
    }
    await expect(world.call({}, keyed())).rejects.toMatchObject({ kind: 'outcome_unknown' });
    expect(await textOf(world.call({}, keyed(), 'safe'))).toBe('late');
    expect(runs).toBe(3);
  });

  it('keep no result that is too large: a repeat does not run, and says so', async () => {
    world.add({}, () => `${++runs}${'x'.repeat(300_000)}`);
    await world.call({}, keyed());
    await expect(world.call({}, keyed())).rejects.toMatchObject({ kind: 'outcome_unknown' });
    expect(runs).toBe(1);
  });

  it('are forgotten after a day', async () => {
    world.add({}, counting);
    await world.call({}, keyed());
    world.pass(86_400_001);
    expect(await textOf(world.call({}, keyed()))).toBe('run 2');
  });

  describe('across replicas', () => {
    let shared: Omit<SharedState, 'replica'>;
    let a: ToolWorld;
    let b: ToolWorld;
    const replicaA = new Replica();

    beforeEach(() => {
      shared = { store: new MemoryDurableStore(new FakeClock()), bus: new LocalBus(), health: new SharedHealth() };
      a = new ToolWorld({}, undefined, { ...shared, replica: replicaA });
      b = new ToolWorld({}, undefined, { ...shared, replica: new Replica() });
    });

    const live = (): Promise<void> => shared.store.put({ namespace: 'replica', key: replicaA.id, value: true });

    it('give at one what ran at the other, and wait for what runs there', async () => {
      await live();
      let finish: (text: string) => void = () => undefined;
      a.add({}, () => new Promise<string>((resolve) => (finish = resolve)));
      b.add({}, counting);
      const first = a.call({}, keyed());
      await new Promise((resolve) => setImmediate(resolve));
      const second = b.call({}, keyed());
      await new Promise((resolve) => setImmediate(resolve));
      finish('of a');
      expect([await textOf(first), await textOf(second)]).toEqual(['of a', 'of a']);
      expect(runs).toBe(0);
    });

    it('of a replica that died are unknown; once at most they run again where a repeat does no harm', async () => {
      const hang: ToolSourceEntry['run'] = () => new Promise(() => undefined);
      a.add({}, hang).add({ name: 'safe', readOnly: true }, hang);
      b.add({}, counting).add({ name: 'safe', readOnly: true }, counting);
      void a.call({}, keyed());
      void a.call({}, keyed(), 'safe');
      await new Promise((resolve) => setImmediate(resolve));
      await expect(b.call({}, keyed())).rejects.toMatchObject({ kind: 'outcome_unknown' });
      const calls = [b.call({}, keyed(), 'safe'), b.call({}, keyed(), 'safe')];
      expect(await Promise.all(calls.map(textOf))).toEqual(['run 1', 'run 1']);
      expect(runs).toBe(1);
    });

    describe('while the store goes away (D-23)', () => {
      let store: FailingStore;

      beforeEach(() => {
        store = new FailingStore(() => shared.store);
        const both = { ...shared, store };
        a = new ToolWorld({}, undefined, { ...both, replica: replicaA });
        b = new ToolWorld({}, undefined, { ...both, replica: new Replica() });
      });

      it('have their answer although the store did not take it, and are given again once it has', async () => {
        await live();
        a.add({}, () => {
          store.isDown = true;
          return `run ${++runs}`;
        });
        b.add({}, counting);
        expect(await textOf(a.call({}, keyed()))).toBe('run 1');
        await a.keyedRecords.settleOwed();
        store.isDown = false;
        const again = b.call({}, keyed());
        await a.keyedRecords.settleOwed();
        expect(await textOf(again)).toBe('run 1');
        expect(runs).toBe(1);
      });

      it('give back a claim of which they never heard, and not that of another', async () => {
        await live();
        const claim = store.putIfAbsent.bind(store);
        store.putIfAbsent = async (record) => {
          await claim(record);
          throw new ProtocolError('store_unavailable', 'The reply was lost');
        };
        a.add({}, counting);
        b.add({}, counting);
        await expect(a.call({}, keyed())).rejects.toMatchObject({ kind: 'store_unavailable' });
        store.putIfAbsent = claim;
        const other = b.call({}, keyed());
        await a.keyedRecords.settleOwed();
        expect(await textOf(other)).toBe('run 1');
        await a.keyedRecords.settleOwed();
        expect(await textOf(a.call({}, keyed()))).toBe('run 1');
        expect(runs).toBe(1);
      });
    });
  });
});

describe('digestOf', () => {
  it('is the same for the same arguments, whatever the order of their keys', () => {
    expect(digestOf({ a: [1, { b: 2, c: 3 }] })).toBe(digestOf({ a: [1, { c: 3, b: 2 }] }));
    expect(digestOf({ a: [1, 2] })).not.toBe(digestOf({ a: [2, 1] }));
    expect(digestOf({ a: '1' })).not.toBe(digestOf({ a: 1 }));
    expect(digestOf(undefined)).not.toBe(digestOf({}));
  });
});
