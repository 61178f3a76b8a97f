import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { FakeClock } from '../../test/support/fake-clock.js';
import { BreakerWatch } from './breaker-watch.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe('BreakerWatch', () => {
  it('S4-31 tells the log and whoever listens, and keeps the last 100 changes', () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    const log = jest.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
    const clock = new FakeClock(1_000);
    const watch = new BreakerWatch(clock);
    const heard = jest.fn();
    const stop = watch.onChange(heard);
    watch.changed('nmap', { from: 'closed', to: 'open', why: 'failures in a row' });
    clock.advance(5);
    watch.changed('nmap', { from: 'open', to: 'half_open', why: 'its rest is over' });
    stop();
    const event = { tool: 'nmap', at: 1_005, from: 'open', to: 'half_open', why: 'its rest is over' };
    expect(heard).toHaveBeenCalledTimes(2);
    expect(heard).toHaveBeenLastCalledWith(event);
    expect(watch.recent().at(-1)).toEqual(event);
    expect(warn.mock.calls).toEqual([['The breaker of nmap went from closed to open: failures in a row']]);
    expect(log).toHaveBeenCalledTimes(1);
    for (let i = 0; i < 150; i++) watch.changed(`t${i}`, { from: 'open', to: 'closed', why: 'trials succeeded' });
    expect([watch.recent().length, watch.recent()[0]?.tool, heard.mock.calls.length]).toEqual([100, 't50', 2]);
  });
});
