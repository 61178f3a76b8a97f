import { beforeEach, describe, expect, it } from '@jest/globals';
import { FakeClock } from '../../test/support/fake-clock.js';
import { AppConfig, type ConfigOverrides } from '../config/index.js';
import { MemoryAddressBlocks } from './address-blocks.js';
import { MemoryRateLimiter, type RunLimit } from './rate-limiter.js';
import { RateRules } from './rate-rules.js';
import { RateViolations } from './rate-violations.js';

let clock: FakeClock;
let rules: RateRules;
let blocks: MemoryAddressBlocks;
const limiter = (rate: ConfigOverrides['rate'] = {}, block: ConfigOverrides['block'] = {}): MemoryRateLimiter => {
  const config = AppConfig.of({ rate, block });
  return new MemoryRateLimiter(config, clock, rules, new RateViolations(config, blocks));
};
const runs = (name: string, runsPerMinute?: number, totalRunsPerMinute?: number): RunLimit => ({
  kind: 'tool',
  name,
  label: `tool:${name}`,
  runsPerMinute,
  totalRunsPerMinute,
});

beforeEach(() => {
  clock = new FakeClock();
  rules = new RateRules();
  blocks = new MemoryAddressBlocks(clock);
});

describe('MemoryRateLimiter', () => {
  it('K-9 counts 100 messages in 60 s for each caller by itself', () => {
    const rates = limiter();
    for (let i = 0; i < 100; i++) expect(rates.takeMessage('a').isAllowed).toBe(true);
    expect(rates.takeMessage('a')).toEqual({
      isAllowed: false,
      retryAfterMs: 60_000,
      limit: 100,
      windowMs: 60_000,
    });
    expect(rates.takeMessage('b').isAllowed).toBe(true);
    clock.advance(59_999);
    expect(rates.takeMessage('a')).toMatchObject({ isAllowed: false, retryAfterMs: 1 });
    clock.advance(1);
    expect(rates.takeMessage('a').isAllowed).toBe(true);
  });

  it('K-9 adds the burst, and takes the window of the settings', () => {
    const rates = limiter({ maxMessages: 2, burst: 1, windowMs: 1_000 });
    expect([1, 2, 3, 4].map(() => rates.takeMessage('a').isAllowed)).toEqual([true, true, true, false]);
    clock.advance(1_000);
    expect(rates.takeMessage('a').isAllowed).toBe(true);
  });

  it('K-9 counts runs by caller and tool, apart from messages', () => {
    const rates = limiter({ maxMessages: 1 });
    expect(rates.takeMessage('a').isAllowed).toBe(true);
    expect(rates.takeRun('a', runs('nmap', 1)).isAllowed).toBe(true);
    expect(rates.takeRun('a', runs('nmap', 1))).toMatchObject({ isAllowed: false, retryAfterMs: 60_000 });
    expect(rates.takeRun('a', runs('dig', 1)).isAllowed).toBe(true);
    expect(rates.takeRun('b', runs('nmap', 1)).isAllowed).toBe(true);
    clock.advance(60_000);
    expect(rates.takeRun('a', runs('nmap', 1)).isAllowed).toBe(true);
  });

  it('takes no caller and tool for those of another', () => {
    const rates = limiter();
    expect(rates.takeRun('b', runs('a', 1)).isAllowed).toBe(true);
    expect(rates.takeRun('a', runs('b', 1)).isAllowed).toBe(true);
    expect(rates.takeRun('', runs('ab', 1)).isAllowed).toBe(true);
  });

  it('counts nothing when it is switched off', () => {
    const rates = limiter({ enabled: false, maxMessages: 1 });
    for (let i = 0; i < 5; i++) {
      expect(rates.takeMessage('a').isAllowed).toBe(true);
      expect(rates.takeRun('a', runs('nmap', 1)).isAllowed).toBe(true);
    }
  });

  it('W-13 forgets the caller who was silent longest, and only that one', () => {
    const rates = limiter({ maxMessages: 1, maxClients: 100 });
    for (let i = 0; i < 100; i++) rates.takeMessage(`caller ${i}`);
    rates.takeMessage('caller 0');
    rates.takeMessage('one more');
    expect(rates.takeMessage('caller 0').isAllowed).toBe(false);
    expect(rates.takeMessage('caller 2').isAllowed).toBe(false);
    expect(rates.takeMessage('caller 1').isAllowed).toBe(true);
  });

  it('W-25 counts the runs of all callers together, and takes nothing of a run that either limit refuses', () => {
    const rates = limiter();
    const limit = runs('nmap', 2, 3);
    expect([1, 2].map(() => rates.takeRun('a', limit).isAllowed)).toEqual([true, true]);
    // Refused for the caller: the total keeps its third run for somebody else.
    expect(rates.takeRun('a', limit)).toEqual({
      isAllowed: false,
      retryAfterMs: 30_000,
      limit: 2,
      windowMs: 60_000,
    });
    expect(rates.takeRun('b', limit).isAllowed).toBe(true);
    // Refused for the total: the caller keeps theirs.
    expect(rates.takeRun('b', limit)).toEqual({
      isAllowed: false,
      retryAfterMs: 20_000,
      limit: 3,
      windowMs: 60_000,
      isTotal: true,
    });
    clock.advance(20_000);
    expect(rates.takeRun('b', limit).isAllowed).toBe(true);
    expect(rates.takeRun('c', runs('dig', 1, 1)).isAllowed).toBe(true);
  });

  it('W-25 bounds the load of one tool, however many call it', () => {
    const rates = limiter({ maxClients: 100 });
    let passed = 0;
    for (let i = 0; i < 1_000; i++) if (rates.takeRun(`caller ${i}`, runs('t', 10, 50)).isAllowed) passed += 1;
    expect(passed).toBe(50);
  });

  it('takes the word of the rules on a role over that of the settings and of the tool, and at once', () => {
    const rates = limiter({ maxMessages: 1 });
    rules.use({
      messages: (roles) => (roles.includes('admin') ? 3 : undefined),
      runsPerMinute: (roles, target) => (roles.includes('admin') && target.name === 'nmap' ? 2 : undefined),
    });
    const messages = (caller: string, roles: readonly string[]): boolean[] =>
      [1, 2, 3, 4].map(() => rates.takeMessage(caller, roles).isAllowed);
    expect(messages('a', ['admin'])).toEqual([true, true, true, false]);
    expect(messages('b', ['viewer'])).toEqual([true, false, false, false]);
    const nmap = (roles: readonly string[]): boolean => rates.takeRun('a', runs('nmap', 1), roles).isAllowed;
    expect([nmap(['admin']), nmap(['admin']), nmap(['admin'])]).toEqual([true, true, false]);
    expect(rates.takeRun('a', runs('light'), ['viewer']).isAllowed).toBe(true);
    rules.use({});
    expect(rates.takeMessage('a', ['admin'])).toMatchObject({ isAllowed: false, limit: 1 });
  });

  describe('S4-38 under settings that are read again', () => {
    const settings = { ...AppConfig.of() };
    const reread = (rate: NonNullable<ConfigOverrides['rate']>): void =>
      void Object.assign(settings, AppConfig.of({ rate }));
    let rates: MemoryRateLimiter;
    const messages = (count: number): boolean[] =>
      Array.from({ length: count }, () => rates.takeMessage('a').isAllowed);

    beforeEach(() => {
      reread({ maxMessages: 2, maxConnections: 1 });
      rates = new MemoryRateLimiter(settings, clock, rules, new RateViolations(AppConfig.of(), blocks));
    });

    it('takes over a limit at once, and what was counted counts under it', () => {
      expect([messages(3), rates.takeConnection('192.0.2.1').isAllowed]).toEqual([[true, true, false], true]);
      reread({ maxMessages: 3, burst: 1, maxConnections: 2 });
      expect(messages(3)).toEqual([true, true, false]);
      expect([1, 2].map(() => rates.takeConnection('192.0.2.1').isAllowed)).toEqual([true, false]);
      reread({ maxMessages: 1 });
      expect(rates.viewMessages('a')).toMatchObject({ limit: 1, used: 4, retryAfterMs: 60_000 });
      reread({ enabled: false });
      expect(messages(2)).toEqual([true, true]);
    });

    it('loses no count where another setting changes', () => {
      expect([...messages(2), rates.takeRun('a', runs('t', 1)).isAllowed]).toEqual([true, true, true]);
      reread({ maxMessages: 2, maxConnections: 7, toolRunsPerMinute: 99, maxClients: 100 });
      expect([...messages(1), rates.takeRun('a', runs('t', 1)).isAllowed]).toEqual([false, false]);
    });

    it('begins anew for windows of another length, and not for runs, which have none', () => {
      messages(2);
      rates.takeRun('a', runs('t', 1));
      reread({ maxMessages: 2, windowMs: 1_000 });
      expect([...messages(3), rates.takeRun('a', runs('t', 1)).isAllowed]).toEqual([true, true, false, false]);
      expect(rates.viewMessages('a')).toMatchObject({ windowMs: 1_000 });
    });

    it('remembers fewer callers, or more', () => {
      for (let i = 0; i < 150; i++) rates.takeMessage(`caller ${i}`);
      reread({ maxClients: 100 });
      for (let i = 0; i < 60; i++) rates.takeMessage(`later ${i}`);
      expect(rates.trackedKeys().messages).toBe(100);
      reread({ maxClients: 120 });
      for (let i = 0; i < 60; i++) rates.takeMessage(`last ${i}`);
      expect(rates.trackedKeys().messages).toBe(120);
    });
  });

  it('shows how the limits of a caller stand, and takes nothing', () => {
    const rates = limiter({ maxMessages: 2 });
    for (let i = 0; i < 3; i++) {
      expect(rates.viewMessages('a')).toEqual({ limit: 2, windowMs: 60_000, used: 0, retryAfterMs: 0 });
      expect(rates.viewRuns('a', runs('t', 1, 5))).toEqual({
        ofCaller: { limit: 1, windowMs: 60_000, used: 0, retryAfterMs: 0 },
        total: { limit: 5, windowMs: 60_000, used: 0, retryAfterMs: 0 },
      });
    }
    expect(rates.trackedKeys()).toEqual({ messages: 0, connections: 0, runs: 0 });
    rates.takeMessage('a');
    rates.takeRun('a', runs('t', 1, 5));
    expect(rates.viewMessages('a')).toMatchObject({ used: 1 });
    expect(rates.viewRuns('a', runs('t', 1, 5))).toMatchObject({
      ofCaller: { used: 1, retryAfterMs: 60_000 },
      total: { used: 1, retryAfterMs: 0 },
    });
    expect(rates.viewRuns('a', runs('u'))).toEqual({ ofCaller: undefined, total: undefined });
    const off = limiter({ enabled: false });
    expect([off.viewMessages('a'), off.viewRuns('a', runs('t', 1))]).toEqual([
      undefined,
      { ofCaller: undefined, total: undefined },
    ]);
  });

  it('S0-15 tells how many callers have used more than a share of their limit, in the window up to now', () => {
    const rates = limiter({ maxMessages: 4 });
    for (const [caller, count] of [
      ['a', 3],
      ['b', 2],
      ['c', 6],
    ] as const) {
      for (let i = 0; i < count; i++) rates.takeMessage(caller);
    }
    expect([rates.callersOver(0.5), rates.callersOver(0), rates.callersOver(1)]).toEqual([2, 3, 0]);
    clock.advance(60_000);
    expect(rates.callersOver(0)).toBe(0);
    expect(rates.takeMessage('a').isAllowed).toBe(true);
  });

  it('W-25 S4-33 forgets keys that hold nothing any more', () => {
    const rates = limiter({ maxClients: 1_000 });
    for (let i = 0; i < 500; i++) {
      rates.takeMessage(`caller ${i}`);
      rates.takeConnection(`10.0.${i >> 8}.${i & 255}`);
      rates.takeRun(`caller ${i}`, runs('t', 10));
    }
    expect(rates.trackedKeys()).toEqual({ messages: 500, connections: 500, runs: 500 });
    clock.advance(120_000);
    for (let i = 0; i < 250; i++) {
      rates.takeMessage('a');
      rates.takeMessage(`new ${i}`);
      rates.takeConnection(`10.1.0.${i}`);
      rates.takeRun(`new ${i}`, runs('t', 10));
    }
    const { messages, connections, runs: kept } = rates.trackedKeys();
    expect([messages <= 251, connections <= 250, kept <= 250]).toEqual([true, true, true]);
  });

  it('K-9 counts 100 connections in 60 s of each address', () => {
    const rates = limiter();
    for (let i = 0; i < 100; i++) expect(rates.takeConnection('192.0.2.1').isAllowed).toBe(true);
    expect(rates.takeConnection('192.0.2.1')).toMatchObject({ isAllowed: false, retryAfterMs: 60_000 });
    expect(rates.takeConnection('192.0.2.2').isAllowed).toBe(true);
    expect(blocks.list()).toEqual([]);
  });

  it('S2-17 blocks an address that goes over its connections, where a setting says for how long', () => {
    const rates = limiter({ maxConnections: 1 }, { rateMs: 300_000 });
    rates.takeConnection('192.0.2.1');
    rates.takeConnection('192.0.2.1');
    expect(blocks.list()).toEqual([
      { address: '192.0.2.1', reason: 'rate_limit_exceeded', until: clock.now() + 300_000 },
    ]);
  });
});
