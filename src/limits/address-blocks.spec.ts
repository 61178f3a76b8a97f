import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { FakeClock } from '../../test/support/fake-clock.js';
import { FailingStore } from '../../test/support/failing-store.js';
import { RecordingSecurityLog } from '../../test/support/tool-world.js';
import { AppConfig } from '../config/index.js';
import { LocalBus } from '../store/bus.js';
import type { DurableStore } from '../store/index.js';
import { MemoryDurableStore } from '../store/memory/memory-durable-store.js';
import { MemoryAddressBlocks } from './address-blocks.js';
import { DurableAddressBlocks } from './durable-address-blocks.js';
import { RateViolations } from './rate-violations.js';

let clock: FakeClock;
let security: RecordingSecurityLog;
let store: MemoryDurableStore;
let bus: LocalBus;
const open: DurableAddressBlocks[] = [];

async function started(): Promise<DurableAddressBlocks> {
  const blocks = new DurableAddressBlocks(clock, security, store, bus);
  await blocks.onModuleInit();
  open.push(blocks);
  return blocks;
}

/** Gives those who heard of a change the time to look. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  clock = new FakeClock();
  security = new RecordingSecurityLog();
  store = new MemoryDurableStore(clock);
  bus = new LocalBus();
});

afterEach(() => {
  for (const blocks of open.splice(0)) blocks.onApplicationShutdown();
  jest.restoreAllMocks();
});

describe('AddressBlocks', () => {
  it('S2-17 blocks for a while, tells of it, and ends by itself', async () => {
    const blocks = await started();
    const block = blocks.block('::ffff:192.0.2.7', 1_000, 'auth_failures');
    expect(block).toEqual({ address: '192.0.2.7', reason: 'auth_failures', until: clock.now() + 1_000 });
    expect([blocks.blockOf('192.0.2.7'), blocks.blockOf('192.0.2.8'), blocks.blockOf(undefined)]).toEqual([
      block,
      undefined,
      undefined,
    ]);
    clock.advance(999);
    blocks.sweep();
    expect(blocks.blockOf('192.0.2.7')).toBe(block);
    clock.advance(1);
    expect([blocks.blockOf('192.0.2.7'), blocks.list()]).toEqual([undefined, []]);
    blocks.sweep();
    blocks.sweep();
    expect(security.events).toEqual([
      { event: 'ip_blocked', details: { ip: '192.0.2.7', reason: 'auth_failures', durationMs: 1_000 } },
      { event: 'ip_unblocked', details: { ip: '192.0.2.7', reason: 'expired', blockedFor: 'auth_failures' } },
    ]);
  });

  it('W-13 blocks IPv6 by its /64, and lifts by any address of it or by its key', async () => {
    const blocks = await started();
    blocks.block('2001:db8::1', 1_000, 'x');
    expect(blocks.blockOf('2001:db8::ffff')).toBeDefined();
    expect([blocks.lift('2001:db8::2'), blocks.lift('2001:db8::2')]).toEqual([true, false]);
    expect(blocks.blockOf('2001:db8::1')).toBeUndefined();
    blocks.block('2001:db8::1', 1_000, 'x');
    expect(blocks.lift('2001:db8::/64')).toBe(true);
    expect(security.names).toEqual(['ip_blocked', 'ip_unblocked', 'ip_blocked', 'ip_unblocked']);
  });

  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.2'])('D-11 never blocks %s', async (address) => {
    const blocks = await started();
    expect([blocks.block(address, 1_000, 'x'), blocks.list(), security.events]).toEqual([undefined, [], []]);
  });

  it('W-13 keeps blocks over a restart, until their time or their lifting', async () => {
    const first = await started();
    first.block('192.0.2.1', 1_000, 'x');
    first.block('192.0.2.2', 5_000, 'y');
    first.block('192.0.2.3', 5_000, 'z');
    first.lift('192.0.2.3');
    clock.advance(1_000);
    const second = await started();
    expect(second.list().map(({ address, reason }) => [address, reason])).toEqual([['192.0.2.2', 'y']]);
    expect(second.blockOf('192.0.2.2')?.until).toBe(clock.now() + 4_000);
    expect(security.names).toEqual(['ip_blocked', 'ip_blocked', 'ip_blocked', 'ip_unblocked']);
  });

  it('takes nothing from the store that is no block', async () => {
    for (const value of [null, 'x', { address: '192.0.2.1' }, { address: 1, reason: 'x', until: 9e15 }]) {
      await store.put({ namespace: 'address-block', key: JSON.stringify(value), value });
    }
    expect((await started()).list()).toEqual([]);
  });

  it('W-13 is bounded: the oldest block gives way, here and in the store', async () => {
    const blocks = await started();
    for (let i = 0; i <= 10_000; i++) blocks.block(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 60_000, 'x');
    expect([blocks.list().length, blocks.blockOf('10.0.0.0'), blocks.blockOf('10.0.0.1') !== undefined]).toEqual([
      10_000,
      undefined,
      true,
    ]);
    expect(security.events.at(-1)?.event).toBe('ip_blocked');
    expect(security.events.at(-2)?.details).toMatchObject({ ip: '10.0.0.0', reason: 'gave way' });
    expect(await store.list('address-block')).toHaveLength(10_000);
  });

  it('blocks all the same when the store cannot be written, and says so', async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    const blocks = await started();
    jest.spyOn(store, 'put').mockRejectedValue(new Error('ENOSPC'));
    blocks.block('192.0.2.1', 1_000, 'x');
    await Promise.resolve();
    await Promise.resolve();
    expect(blocks.blockOf('192.0.2.1')).toBeDefined();
    expect(error).toHaveBeenCalledWith(expect.stringContaining('could not be kept for the next start: ENOSPC'));
  });

  it('W-13 holds at every replica: at once where it hears of it, within 5 s where it does not', async () => {
    const [here, hears] = [await started(), await started()];
    bus = new LocalBus();
    const looks = await started();
    here.block('192.0.2.1', 60_000, 'x');
    await settled();
    expect([hears, looks].map((blocks) => blocks.blockOf('192.0.2.1') !== undefined)).toEqual([true, false]);
    clock.advance(5_000);
    looks.sweep();
    await settled();
    expect(looks.blockOf('192.0.2.1')).toBeDefined();
    hears.lift('192.0.2.1');
    await settled();
    expect(here.blockOf('192.0.2.1')).toBeUndefined();
    clock.advance(5_000);
    looks.sweep();
    await settled();
    expect(looks.blockOf('192.0.2.1')).toBeUndefined();
    // Each is told of once, where somebody decided on it.
    expect(security.names).toEqual(['ip_blocked', 'ip_unblocked']);
  });

  it('W-13 keeps what the store has not got, and what it knows while the store is away, and says so once', async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    const blocks = await started();
    blocks.block('192.0.2.1', 60_000, 'x');
    await settled();
    const put = jest.spyOn(store, 'put').mockRejectedValue(new Error('away'));
    blocks.block('192.0.2.2', 60_000, 'x');
    await settled();
    put.mockRestore();
    await blocks.refresh();
    expect(blocks.list()).toHaveLength(2);
    error.mockClear();
    jest.spyOn(store, 'list').mockRejectedValue(new Error('away'));
    await blocks.refresh();
    await blocks.refresh();
    expect([blocks.list().length, error.mock.calls.length]).toEqual([2, 1]);
  });

  describe('while the store is away', () => {
    let failing: FailingStore;
    let error: jest.SpiedFunction<Logger['error']>;

    beforeEach(() => {
      error = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
      failing = new FailingStore(() => store);
    });

    async function startedOn(durable: DurableStore): Promise<DurableAddressBlocks> {
      const blocks = new DurableAddressBlocks(clock, security, durable, new LocalBus());
      await blocks.onModuleInit();
      open.push(blocks);
      return blocks;
    }
    const look = async (blocks: DurableAddressBlocks): Promise<void> => {
      clock.advance(5_000);
      blocks.sweep();
      for (let turn = 0; turn < 5; turn++) await settled();
    };
    const kept = async (): Promise<unknown[]> =>
      (await store.list('address-block')).map(({ value }) => (value as { reason: string }).reason).sort();

    it('W-13 blocks and lifts are written once it is back, the newest state of each address', async () => {
      const blocks = await startedOn(failing);
      blocks.block('192.0.2.1', 600_000, 'lifted');
      await settled();
      failing.isDown = true;
      blocks.lift('192.0.2.1');
      blocks.block('192.0.2.2', 600_000, 'old');
      blocks.block('192.0.2.2', 700_000, 'new');
      blocks.block('192.0.2.3', 600_000, 'came');
      blocks.lift('192.0.2.3');
      blocks.block('192.0.2.4', 1_000, 'short');
      await look(blocks);
      expect(await kept()).toEqual(['lifted']);
      expect(blocks.list().map(({ reason }) => reason)).toEqual(['new']);
      failing.isDown = false;
      failing.puts = [];
      await look(blocks);
      expect(await kept()).toEqual(['new']);
      expect(failing.puts).toHaveLength(1);
      // Another replica, which was away as well, learns of it.
      expect((await startedOn(store)).blockOf('192.0.2.2')?.reason).toBe('new');
      failing.puts = [];
      await look(blocks);
      expect(failing.puts).toEqual([]);
    });

    it('leaves what others decided meanwhile: a longer block, and a new one of an address that was lifted', async () => {
      const blocks = await startedOn(failing);
      blocks.block('192.0.2.1', 600_000, 'lifted');
      await settled();
      failing.isDown = true;
      blocks.lift('192.0.2.1');
      blocks.block('192.0.2.2', 600_000, 'shorter');
      const other = await startedOn(store);
      other.block('192.0.2.1', 900_000, 'again');
      other.block('192.0.2.2', 900_000, 'longer');
      await settled();
      failing.isDown = false;
      await look(blocks);
      await look(blocks);
      expect(await kept()).toEqual(['again', 'longer']);
      expect(blocks.list().map(({ reason }) => reason)).toEqual(['again', 'longer']);
    });

    it('keeps no more to write than the table holds, tries little of it in vain, and says so once', async () => {
      const blocks = await startedOn(failing);
      failing.isDown = true;
      for (let i = 0; i < 12_000; i++) {
        blocks.block(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 600_000, 'x');
        if (i % 500 === 0) await settled();
      }
      await settled();
      failing.puts = [];
      await look(blocks);
      expect(failing.puts.length).toBeLessThanOrEqual(100);
      expect(error).toHaveBeenCalledTimes(1);
      failing.isDown = false;
      await look(blocks);
      for (let turn = 0; turn < 500; turn++) await settled();
      expect(await store.list('address-block')).toHaveLength(10_000);
    });
  });

  it('sweeps by one timer, which ends with the application', async () => {
    jest.useFakeTimers();
    const blocks = await started();
    blocks.block('192.0.2.1', 500, 'x');
    clock.advance(1_000);
    jest.advanceTimersByTime(1_000);
    expect(security.names).toEqual(['ip_blocked', 'ip_unblocked']);
    blocks.onApplicationShutdown();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });
});

describe('RateViolations', () => {
  const violations = (block: Parameters<typeof AppConfig.of>[0]): [RateViolations, MemoryAddressBlocks] => {
    const blocks = new MemoryAddressBlocks(clock);
    return [new RateViolations(AppConfig.of(block), blocks), blocks];
  };

  it('D-11 blocks nobody for rate alone, unless told to', () => {
    for (const settings of [{}, { block: { enabled: false, rateMs: 300_000 } }]) {
      const [rates, blocks] = violations(settings);
      rates.note('192.0.2.1');
      expect(blocks.list()).toEqual([]);
    }
  });

  it('S2-17 blocks for the time of the setting, which more violations do not make longer', () => {
    const [rates, blocks] = violations({ block: { rateMs: 300_000 } });
    rates.note('192.0.2.1');
    rates.note(undefined);
    clock.advance(200_000);
    rates.note('192.0.2.1');
    expect(blocks.list()).toEqual([
      { address: '192.0.2.1', reason: 'rate_limit_exceeded', until: clock.now() + 100_000 },
    ]);
    clock.advance(100_000);
    rates.note('192.0.2.1');
    expect(blocks.blockOf('192.0.2.1')?.until).toBe(clock.now() + 300_000);
  });
});
