import { describe, expect, it } from '@jest/globals';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { DurableSessionStore } from './durable-session-store.js';
import { MemoryDurableStore } from './memory-durable-store.js';

describe('MemoryDurableStore', () => {
  it('keeps, changes, lists and removes records', async () => {
    const store = new MemoryDurableStore(new FakeClock());
    await store.put({ namespace: 'n', key: 'k', value: { a: 1 } });
    expect(await store.get('n', 'k')).toEqual({ a: 1 });
    expect(await store.has('n', 'k')).toBe(true);
    expect(await store.list('n')).toEqual([{ namespace: 'n', key: 'k', value: { a: 1 } }]);
    await store.delete('n', 'k');
    expect(await store.get('n', 'k')).toBeUndefined();
    expect(await store.list('n')).toEqual([]);
  });

  it('lets go of what has expired', async () => {
    const clock = new FakeClock();
    const store = new MemoryDurableStore(clock);
    for (let i = 0; i < 5_000; i++) {
      clock.advance(1);
      await store.put({ namespace: 'n', key: `k${i}`, value: i, expiresAt: clock.now() + 10 });
    }
    expect(await store.list('n')).toHaveLength(10);
    const { table } = store as unknown as { table: { size: number } };
    expect(table.size).toBeLessThan(1_100);
  });
});

describe('DurableSessionStore', () => {
  const clock = new FakeClock();
  const durable = new MemoryDurableStore(clock);
  const store = new DurableSessionStore(durable);
  const record = {
    lastSeenAt: 1,
    clientInfo: { name: 'c', version: '1', title: 'C' },
    logLevel: 'info',
    subscriptions: ['a://b'],
  };

  it('keeps a record until it expires or is deleted', async () => {
    await store.put('k', record, clock.now() + 1_000);
    await store.put('l', { lastSeenAt: 2 }, clock.now() + 2_000);
    expect(await store.get('k')).toEqual(record);
    clock.advance(1_000);
    expect(await store.get('k')).toBeUndefined();
    expect(await store.get('l')).toEqual({ lastSeenAt: 2 });
    await store.delete('l');
    expect(await store.get('l')).toBeUndefined();
  });

  it.each([
    null,
    7,
    {},
    { lastSeenAt: 'x' },
    { lastSeenAt: 1, logLevel: 1 },
    { lastSeenAt: 1, subscriptions: [1] },
    { lastSeenAt: 1, subscriptions: 'x' },
    { lastSeenAt: 1, clientInfo: 'x' },
    { lastSeenAt: 1, clientInfo: { name: 'x' } },
    { lastSeenAt: 1, clientInfo: { name: 'x', version: '1', title: 1 } },
  ])('treats what is no record as missing: %j', async (value) => {
    await durable.put({ namespace: 'session', key: 'odd', value });
    expect(await store.get('odd')).toBeUndefined();
  });
});
