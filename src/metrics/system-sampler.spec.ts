import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { AppConfig } from '../config/index.js';
import { Instruments } from './instruments.js';
import { SystemSampler } from './system-sampler.js';

describe('SystemSampler', () => {
  let sampler: SystemSampler;
  const open = (settings = {}): Instruments => {
    const instruments = new Instruments();
    sampler = new SystemSampler(AppConfig.of(settings), instruments);
    return instruments;
  };

  afterEach(() => {
    sampler.onApplicationShutdown();
    jest.useRealTimers();
  });

  it('W-35 has shares of processors, memory and disk at once, without waiting a second for them', async () => {
    open();
    const sample = await sampler.latest();
    for (const share of [sample.cpuPercent, sample.memoryPercent, sample.diskPercent as number]) {
      expect(share).toBeGreaterThanOrEqual(0);
      expect(share).toBeLessThanOrEqual(100);
    }
    expect(sample.memoryLimitBytes).toBeGreaterThan(1e6);
    expect(await sampler.latest()).toBe(sample);
  });

  it('has no figure of a disk that it cannot ask', async () => {
    open({ sessions: { stateDir: '/nonexistent/place' } });
    expect((await sampler.latest()).diskPercent).toBeUndefined();
  });

  it('samples at the interval of the settings, once it was started, and shows the newest', async () => {
    jest.useFakeTimers({ doNotFake: ['performance'] });
    const instruments = open({ metrics: { collectionIntervalSec: 5 } });
    expect(instruments.families).toEqual([]);
    sampler.start();
    sampler.start();
    const cpu = instruments.families.find(({ name }) => name === 'mcp_system_cpu_percent');
    expect(cpu?.samples()).toEqual([]);
    expect(jest.getTimerCount()).toBe(1);
    jest.advanceTimersByTime(5_000);
    jest.useRealTimers();
    await sampler.latest();
    expect(cpu?.samples()).toHaveLength(1);
  });
});
