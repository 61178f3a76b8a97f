import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { HealthIndicatorService } from '@nestjs/terminus';
import { FakeClock } from '../../test/support/fake-clock.js';
import { AppConfig } from '../config/index.js';
import { type HealthFinding, HealthIndicators } from './health-indicators.js';
import { HealthMonitor } from './health-monitor.js';

let clock: FakeClock;
let indicators: HealthIndicators;
let monitor: HealthMonitor;
let looked: number;

beforeEach(() => {
  clock = new FakeClock();
  indicators = new HealthIndicators();
  monitor = new HealthMonitor(indicators, new HealthIndicatorService(), AppConfig.of(), clock);
  looked = 0;
});

afterEach(() => {
  monitor.beforeApplicationShutdown();
  jest.useRealTimers();
});

const count = (finding: HealthFinding = { status: 'healthy' }) => ({
  name: 'counted',
  priority: 'CRITICAL' as const,
  check: () => {
    looked += 1;
    return finding;
  },
});

describe('HealthMonitor', () => {
  it('S4-3 tells what each check found, and of the whole', async () => {
    indicators.register(count({ status: 'healthy', details: { rows: 3 } }));
    indicators.register({
      name: 'mail',
      priority: 'IMPORTANT',
      check: () => ({ status: 'degraded', message: 'slow' }),
    });
    expect(await monitor.run()).toEqual({
      status: 'degraded',
      at: clock.now(),
      checks: {
        counted: { status: 'healthy', details: { rows: 3 }, priority: 'CRITICAL', durationMs: 0 },
        mail: { status: 'degraded', message: 'slow', priority: 'HIGH', durationMs: 0 },
      },
      summary: { total: 2, healthy: 1, degraded: 1, unhealthy: 0 },
    });
  });

  it('S4-42 what a check throws counts as unhealthy, and harms no other', async () => {
    indicators.register(count());
    indicators.register({ name: 'rejects', priority: 'LOW', check: () => Promise.reject(new Error('no route')) });
    indicators.register({
      name: 'throws',
      priority: 'LOW',
      check: () => {
        throw new Error('at once');
      },
    });
    const { checks } = await monitor.run();
    expect(checks['rejects']).toMatchObject({ status: 'unhealthy', message: 'no route' });
    expect(checks['throws']).toMatchObject({ status: 'unhealthy', message: 'at once' });
    expect(checks['counted']?.status).toBe('healthy');
  });

  it('S4-42 a check that hangs is unhealthy, is told so, and is not begun again while it hangs', async () => {
    let begun = 0;
    let free: () => void = () => undefined;
    const signals: AbortSignal[] = [];
    indicators.register({
      name: 'hangs',
      priority: 'CRITICAL',
      timeoutMs: 5,
      check: (signal) => {
        begun += 1;
        signals.push(signal);
        if (begun > 1) return { status: 'healthy' };
        return new Promise((resolve) => (free = () => resolve({ status: 'healthy' })));
      },
    });
    const { status, checks } = await monitor.run();
    expect([status, checks['hangs']?.message]).toEqual(['unhealthy', 'timeout of 5ms exceeded']);
    expect(signals[0]?.aborted).toBe(true);
    expect((await monitor.run()).checks['hangs']?.message).toBe('The check of an earlier round still runs');
    expect(begun).toBe(1);
    free();
    await new Promise(setImmediate);
    expect((await monitor.run()).checks['hangs']?.status).toBe('healthy');
    expect(begun).toBe(2);
  });

  it('S4-42 rounds do not overlap: who asks while one runs gets that one', async () => {
    indicators.register(count());
    const [one, other] = await Promise.all([monitor.run(), monitor.run()]);
    expect(one).toBe(other);
    expect(looked).toBe(1);
  });

  it('S4-42 a round is told for 60 s, and then run anew', async () => {
    indicators.register(count());
    const first = await monitor.current();
    clock.advance(60_000);
    expect(await monitor.current()).toBe(first);
    clock.advance(1);
    expect(await monitor.current()).not.toBe(first);
    expect(looked).toBe(2);
  });

  it('S4-42 keeps 100 rounds, and shows the last 10, the newest first', async () => {
    for (let i = 0; i < 120; i++) {
      clock.advance(1_000);
      await monitor.run();
    }
    expect(monitor.roundsKept).toBe(100);
    expect(monitor.history).toHaveLength(10);
    expect(monitor.history[0]).toEqual({ status: 'healthy', at: clock.now() });
    expect(monitor.history[9]?.at).toBe(clock.now() - 9_000);
  });

  it('S4-42 runs every 30 s by itself, and ends with the server', async () => {
    jest.useFakeTimers({ doNotFake: ['performance', 'setImmediate', 'queueMicrotask', 'nextTick'] });
    indicators.register(count());
    monitor.onApplicationBootstrap();
    await monitor.run();
    expect(looked).toBe(1);
    jest.advanceTimersByTime(30_000);
    await monitor.run();
    expect(looked).toBe(2);
    monitor.beforeApplicationShutdown();
    jest.advanceTimersByTime(300_000);
    expect(looked).toBe(2);
  });
});

describe('HealthIndicators', () => {
  it('S4-46 takes checks of extensions and gives them back', () => {
    const leave = indicators.register(count());
    expect(indicators.list().map(({ name }) => name)).toEqual(['counted']);
    expect(() => indicators.register(count())).toThrow('counted already');
    leave();
    leave();
    expect(indicators.list()).toEqual([]);
  });

  it.each(['', 'a b', 'x'.repeat(129), 'ü', 'a"b'])('refuses the name %j', (name) => {
    expect(() => indicators.register({ ...count(), name })).toThrow('cannot name a health check');
  });

  it('is bounded', () => {
    for (let i = 0; i < 200; i++) indicators.register({ ...count(), name: `check-${i}` });
    expect(() => indicators.register(count())).toThrow('There are 200 health checks');
  });

  it('asks sources anew each time', () => {
    let names = ['a'];
    indicators.addSource(() => names.map((name) => ({ ...count(), name })));
    indicators.register(count());
    names = ['b', 'c'];
    expect(indicators.list().map(({ name }) => name)).toEqual(['b', 'c', 'counted']);
  });
});
