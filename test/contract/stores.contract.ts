import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { SystemClock } from '../../src/common/index.js';
import { AppConfig } from '../../src/config/index.js';
import {
  DurableSessionStore,
  openState,
  type PermitOutcome,
  Replica,
  Replicas,
  type SharedBucket,
  type SharedCounters,
  type StoreBackend,
  type WindowState,
} from '../../src/store/index.js';
import { type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { RedisServer } from '../support/redis-server.js';
import { MemoryCounters } from '../support/shared-memory.js';
import { until } from '../support/waiting.js';

const KEYS = `k1:${randomBytes(32).toString('base64')}`;
const SOON_MS = 60_000;
const CLOCK = new SystemClock();

/** A backend, and another one as a second replica or a later start would open it. */
interface World {
  readonly open: () => Promise<StoreBackend>;
  readonly remove: () => Promise<void>;
}

const WORLDS: Readonly<Record<string, () => Promise<World>>> = {
  memory: async () => {
    const config = AppConfig.of({ server: { transports: ['stdio'] } });
    return { open: () => openState(config, new SystemClock()), remove: () => Promise.resolve() };
  },
  journal: async () => {
    const folder: TemporaryFolder = await temporaryFolder();
    const config = AppConfig.of({ server: { transports: ['http'] }, sessions: { stateDir: folder.path } });
    return { open: () => openState(config, new SystemClock()), remove: () => folder.remove() };
  },
  redis: async () => {
    const redis = await RedisServer.start();
    const config = AppConfig.of({
      server: { transports: ['http'] },
      redis: { url: redis.url, keyPrefix: `t${randomBytes(4).toString('hex')}:` },
      sessions: { keys: KEYS },
    });
    const open = (): Promise<StoreBackend> => openState(config, new SystemClock(), { replica: new Replica() });
    return { open, remove: () => redis.remove() };
  },
};

describe.each(Object.entries(WORLDS))('stores: %s', (name, build) => {
  let world: World;
  let state: StoreBackend;

  beforeAll(async () => {
    world = await build();
    state = await world.open();
  }, 60_000);

  afterAll(async () => {
    await state.close();
    await world.remove();
  });

  const soon = (): number => Date.now() + SOON_MS;

  describe('DurableStore', () => {
    it('keeps, changes and removes a record', async () => {
      const { durable } = state;
      await durable.put({ namespace: 'a', key: 'k', value: { deep: [1, null, 'ü'] } });
      expect(await durable.get('a', 'k')).toEqual({ deep: [1, null, 'ü'] });
      await durable.put({ namespace: 'a', key: 'k', value: 2, expiresAt: soon() });
      expect(await durable.get('a', 'k')).toBe(2);
      expect(await durable.has('a', 'k')).toBe(true);
      await durable.delete('a', 'k');
      expect(await durable.get('a', 'k')).toBeUndefined();
      expect(await durable.has('a', 'k')).toBe(false);
    });

    it('lets go of what has expired', async () => {
      const { durable } = state;
      await durable.put({ namespace: 'b', key: 'gone', value: 1, expiresAt: Date.now() - 1 });
      expect(await durable.has('b', 'gone')).toBe(false);
      await durable.put({ namespace: 'b', key: 'short', value: 1, expiresAt: Date.now() + 30 });
      await until(async () => !(await durable.has('b', 'short')), 'the record to expire');
    });

    it('lists the records of one namespace alone, whatever their keys hold', async () => {
      const { durable } = state;
      const keys = ['x', 'x:y', 'x*', '[x]', 'x\\y', 'ü/?', ' '];
      for (const key of keys) await durable.put({ namespace: 'incidents', key, value: key });
      await durable.put({ namespace: 'tool-states', key: 'x', value: 'other' });
      const expiresAt = soon();
      await durable.put({ namespace: 'incidents', key: 'x', value: 'x', expiresAt });
      const listed = await durable.list('incidents');
      expect(listed.map(({ key }) => key).sort()).toEqual([...keys].sort());
      const timed = listed.find(({ key }) => key === 'x');
      expect(Math.abs((timed?.expiresAt ?? 0) - expiresAt)).toBeLessThan(2_000);
      expect(listed.find(({ key }) => key === 'x*')).toEqual({ namespace: 'incidents', key: 'x*', value: 'x*' });
    });

    it('lets one of many write where there is nothing', async () => {
      const { durable } = state;
      const tries = Array.from({ length: 20 }, (_, i) =>
        durable.putIfAbsent({ namespace: 'd', key: 'k', value: i, expiresAt: soon() }),
      );
      const won = (await Promise.all(tries)).flatMap((isWritten, i) => (isWritten ? [i] : []));
      expect(won).toHaveLength(1);
      expect(await durable.get('d', 'k')).toBe(won[0]);
    });

    it('refuses what is no JSON', async () => {
      await expect(state.durable.put({ namespace: 'e', key: 'k', value: undefined })).rejects.toThrow(TypeError);
    });
  });

  it('SessionStore keeps a record as it was', async () => {
    const store = new DurableSessionStore(state.durable);
    const record = {
      lastSeenAt: 5,
      clientInfo: { name: 'c', version: '1' },
      logLevel: 'info',
      subscriptions: ['a://b'],
    };
    await store.put('s', record, soon());
    expect(await store.get('s')).toEqual(record);
    await store.delete('s');
    expect(await store.get('s')).toBeUndefined();
  });

  it('Bus tells every listener of a channel, at once in this process, until it stops listening', () => {
    const heard: string[] = [];
    const stop = state.bus.subscribe('one', (message) => heard.push(`1 ${message}`));
    state.bus.subscribe('one', (message) => heard.push(`2 ${message}`));
    state.bus.subscribe('two', (message) => heard.push(`3 ${message}`));
    state.bus.publish('one', 'a\nb');
    stop();
    state.bus.publish('one', 'c');
    expect(heard).toEqual(['1 a\nb', '2 a\nb', '2 c']);
  });

  if (name !== 'memory') {
    it('what must last is there after a new start', async () => {
      await state.durable.put({ namespace: 'z', key: 'k', value: 'kept' });
      await state.close();
      state = await world.open();
      expect(await state.durable.get('z', 'k')).toBe('kept');
    });
  }
});

describe('stores that replicas share: redis', () => {
  let world: World;
  let a: StoreBackend;
  let b: StoreBackend;

  beforeAll(async () => {
    world = await (WORLDS['redis'] as () => Promise<World>)();
    [a, b] = await Promise.all([world.open(), world.open()]);
  }, 60_000);

  afterAll(async () => {
    await Promise.all([a.close(), b.close()]);
    await world.remove();
  });

  it('carries messages to the other replica, and none back', async () => {
    const heard: string[] = [];
    a.bus.subscribe('news', (message) => heard.push(`a ${message}`));
    b.bus.subscribe('news', (message) => heard.push(`b ${message}`));
    await until(() => {
      a.bus.publish('news', 'x');
      return heard.includes('b x');
    }, 'the other replica to hear');
    const sent = heard.filter((line) => line === 'a x').length;
    await until(() => heard.filter((line) => line === 'b x').length > 0, 'the messages to arrive');
    expect(heard.filter((line) => line === 'a x')).toHaveLength(sent);
  });

  it('keeps the events of a stream in order, bounded, until it is forgotten', async () => {
    const retention = { maxEvents: 1_000, maxAgeMs: SOON_MS };
    for (let sequence = 1; sequence <= 5; sequence++)
      await a.events.append({ stream: 's', sequence, text: `t${sequence}` }, retention);
    expect(await b.events.read('s', 3)).toEqual({
      events: [
        { sequence: 4, text: 't4' },
        { sequence: 5, text: 't5' },
      ],
      isOver: false,
    });
    await a.events.end('s', retention);
    expect(await b.events.read('s', 5)).toEqual({ events: [], isOver: true });
    expect((await b.events.read('s', 0))?.events).toHaveLength(5);
    await b.events.forget('s');
    expect(await a.events.read('s', 0)).toBeUndefined();
  });

  /** The counts of each replica. */
  const countersOf = ({ counters }: StoreBackend): SharedCounters => {
    if (!counters) throw new Error('Nothing is counted together');
    return counters;
  };
  const either = (i: number): SharedCounters => countersOf(i % 2 ? a : b);

  it('K-10 never grants more than the limit in any window, however many replicas ask', async () => {
    const window = { key: 'w', limit: 10, windowMs: SOON_MS };
    const one = { permits: 1, lifeMs: 0 };
    const outcomes = await Promise.all(Array.from({ length: 30 }, (_, i) => either(i).takePermits(window, one)));
    expect(outcomes.filter(({ isAllowed }) => isAllowed)).toHaveLength(10);
    const refused = outcomes.find(({ isAllowed }) => !isAllowed);
    expect(refused).toEqual({ isAllowed: false, retryAfterMs: expect.any(Number), used: 10 });
    expect(await countersOf(a).viewWindow(window)).toEqual({ used: 10, retryAfterMs: expect.any(Number) });
    const large = { key: 'v', limit: 10, windowMs: SOON_MS };
    const grants: PermitOutcome[] = [];
    for (let i = 0; i < 4; i++) grants.push(await either(i).takePermits(large, { permits: 4, lifeMs: 0 }));
    expect(grants).toMatchObject([
      { granted: 4, used: 4 },
      { granted: 4, used: 8 },
      { granted: 2, used: 10 },
      { isAllowed: false, used: 10 },
    ]);
  });

  it('K-10 counts permits that may still be used as if they were, and those that are given back as what was used', async () => {
    const window = { key: 'u', limit: 10, windowMs: 200 };
    const held = await countersOf(a).takePermits(window, { permits: 10, lifeMs: SOON_MS });
    await pause(300);
    expect(await countersOf(b).viewWindow(window)).toMatchObject({ used: 10 });
    const { grant } = held as PermitOutcome & { grant: string };
    const settles = { grant, used: 3, lastUsedAgoMs: 0 };
    expect(await countersOf(a).takePermits(window, { permits: 1, lifeMs: 0, settles })).toMatchObject({ used: 4 });
    expect((await countersOf(b).viewWindow(window)).used).toBeLessThanOrEqual(4);
    await until(async () => (await countersOf(b).viewWindow(window)).used === 0, 'the window to pass');
  });

  it('S4-33 empties one bucket together, and takes a run of several or of none', async () => {
    const [own, all] = [
      { key: 'k', perMinute: 5 },
      { key: 'all', perMinute: 6 },
    ];
    const outcomes = await Promise.all(Array.from({ length: 8 }, (_, i) => either(i).takeRun([own, all])));
    expect(outcomes.filter(({ isAllowed }) => isAllowed)).toHaveLength(5);
    const other = { key: 'l', perMinute: 5 };
    expect(await countersOf(a).takeRun([other, all])).toEqual({ isAllowed: true });
    expect(await countersOf(b).takeRun([other, all])).toMatchObject({ isAllowed: false, refusedBy: 1 });
    const [ofOther, ofAll] = await countersOf(b).viewBuckets([other, all]);
    expect([ofOther, ofAll?.used]).toEqual([{ used: 1, retryAfterMs: 0 }, 6]);
  });

  it.each(['memory', 'redis'])('S4-38 counts under a new limit of runs what was spent: %s', async (kind) => {
    const counters = kind === 'memory' ? new MemoryCounters(CLOCK) : countersOf(a);
    const under = (perMinute: number): SharedBucket[] => [{ key: 'changing', perMinute }];
    const takeAll = async (perMinute: number): Promise<number> => {
      let runs = 0;
      while ((await counters.takeRun(under(perMinute))).isAllowed) runs += 1;
      return runs;
    };
    const view = async (perMinute: number): Promise<WindowState> =>
      (await counters.viewBuckets(under(perMinute)))[0] as WindowState;
    // Rates at which none comes back while the test runs.
    expect(await takeAll(2)).toBe(2);
    const raised = await view(6);
    expect(raised).toEqual({ used: 2, retryAfterMs: 0 });
    expect(await takeAll(6)).toBe(4);
    // What is above a lower limit comes back as fast as it was taken: 5 of 6 within 50 s, then one at one a minute.
    const lowered = await view(1);
    expect(lowered.used).toBe(6);
    expect(lowered.retryAfterMs).toBeGreaterThan(100_000);
    expect(lowered.retryAfterMs).toBeLessThanOrEqual(110_000);
    expect(await takeAll(1)).toBe(0);
    // To change to and fro brings nothing.
    expect(await takeAll(6)).toBe(0);
    expect((await view(6)).retryAfterMs).toBeLessThanOrEqual(10_000);
  });

  it('holds no more places than there are, names who was there first, and gives back those that are not kept', async () => {
    const place = { set: 'sessions', max: 2, holdMs: SOON_MS };
    expect(await countersOf(a).hold({ ...place, member: '1' })).toEqual({ isHeld: true });
    await pause(5);
    expect(await countersOf(b).hold({ ...place, member: '2' })).toEqual({ isHeld: true });
    expect(await countersOf(a).hold({ ...place, member: '3' })).toEqual({ isHeld: false, oldest: '1' });
    expect(await countersOf(b).heldIn('sessions')).toBe(2);
    // Who is in use does not give way.
    await countersOf(b).keep({ set: 'sessions', members: ['1'], holdMs: SOON_MS, isInUse: true });
    expect(await countersOf(a).hold({ ...place, member: '3' })).toEqual({ isHeld: false, oldest: '2' });
    await countersOf(a).keep({ set: 'sessions', members: ['2'], holdMs: SOON_MS, isInUse: true });
    expect(await countersOf(a).hold({ ...place, member: '3' })).toEqual({ isHeld: false, oldest: undefined });
    await countersOf(a).keep({ set: 'sessions', members: ['1'], holdMs: 20, isInUse: false });
    await until(
      async () => (await countersOf(b).hold({ ...place, member: '3' })).isHeld,
      'the place that is not kept to be free',
    );
    await countersOf(a).release('sessions', '2');
    expect(await countersOf(a).hold({ ...place, member: '4' })).toEqual({ isHeld: true });
  });

  it('knows how many replicas live', async () => {
    const replicas = [a, b].map(
      (state) => new Replicas(new Replica(), state.durable, state.health, CLOCK, state.counters),
    );
    const [one, two] = replicas as [Replicas, Replicas];
    try {
      await one.onModuleInit();
      await two.onModuleInit();
      await one.beat();
      expect([one.count, two.count, one.portionOf(100), one.portionOf(1)]).toEqual([2, 2, 50, 1]);
    } finally {
      await two.onApplicationShutdown();
    }
    await one.beat();
    expect(one.count).toBe(1);
    await one.onApplicationShutdown();
  });
});

describe('D-23 redis that is lost', () => {
  it('fails at once, says so, and is there again by itself with what it kept', async () => {
    const redis = await RedisServer.start();
    const config = AppConfig.of({
      server: { transports: ['http'] },
      redis: { url: redis.url, timeoutMs: 200 },
      sessions: { keys: KEYS },
    });
    const state = await openState(config, new SystemClock());
    try {
      const states: string[] = [];
      state.health.onChange((now) => states.push(now));
      await state.durable.put({ namespace: 'n', key: 'k', value: 1 });
      await redis.down();
      await until(() => state.health.state === 'down', 'the loss to be seen');
      await expect(state.durable.get('n', 'k')).rejects.toMatchObject({ kind: 'store_unavailable' });
      state.bus.publish('c', 'nobody hears');
      await redis.up();
      await until(() => state.health.state === 'up', 'the store to be back');
      expect(await state.durable.get('n', 'k')).toBe(1);
      expect(states).toEqual(['down', 'up']);
      redis.freeze();
      await expect(state.durable.get('n', 'k')).rejects.toMatchObject({ kind: 'store_unavailable' });
    } finally {
      await state.close();
      await redis.remove();
    }
  }, 60_000);

  it('does not keep the server from starting', async () => {
    const config = AppConfig.of({
      server: { transports: ['http'] },
      redis: { url: 'redis://127.0.0.1:1', timeoutMs: 50 },
      sessions: { keys: KEYS },
    });
    const state = await openState(config, new SystemClock());
    expect(state.health.state).toBe('down');
    await state.close();
  }, 30_000);
});
