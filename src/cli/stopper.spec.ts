import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { Stopper } from './stopper.js';
import type { StderrLogger } from './stderr-logger.js';

let codes: unknown[];
let logged: unknown[][];
let handlers: Map<string, () => void>;
let now: number;

beforeEach(() => {
  [codes, logged, now] = [[], [], 1_000];
  handlers = new Map();
  jest.spyOn(process, 'exit').mockImplementation((code) => void codes.push(code) as never);
  jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  jest.spyOn(process, 'on').mockImplementation(((event: string, handler: () => void) => {
    handlers.set(event, handler);
    return process;
  }) as never);
  jest.useFakeTimers({ doNotFake: ['performance', 'setImmediate'] });
});

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

const logger = {
  warn: (...args: unknown[]) => void logged.push(['warn', ...args]),
  error: (...args: unknown[]) => void logged.push(['error', ...args]),
  flush: () => void logged.push(['flush']),
} as unknown as StderrLogger;

const NEVER = (): Promise<void> => new Promise(() => undefined);
const DONE = (): Promise<void> => Promise.resolve();

/** A stopper of an application that ends as it is told to. @returns what it was asked, too */
function stopperOf({ drain = DONE, close = DONE, graceSec = 30 } = {}): { stopper: Stopper; asked: unknown[] } {
  const asked: unknown[] = [];
  const app = {
    get: () => ({
      drain: (ms: number) => {
        asked.push(['drain', ms]);
        return drain();
      },
    }),
    close: () => {
      asked.push(['close']);
      return close();
    },
  } as unknown as INestApplicationContext;
  const stopper = new Stopper({ app, logger, graceSec });
  stopper.listen();
  return { stopper, asked };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Stopper', () => {
  it.each(['SIGINT', 'SIGTERM'])('K-35, S4-35 ends in order with 0 at %s, the log written', async (signal) => {
    const { asked } = stopperOf();
    handlers.get(signal)?.();
    await settle();
    expect(asked).toEqual([['drain', 30_000], ['close']]);
    expect([codes, logged]).toEqual([[0], [['flush']]]);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('K-35 a second signal does not wait: %s ends with %d', async (signal, code) => {
    stopperOf({ drain: NEVER });
    handlers.get('SIGTERM')?.();
    now += 501;
    handlers.get(signal)?.();
    expect(codes).toEqual([code]);
    expect(logged[0]?.[1]).toContain(`A second signal came (${signal})`);
  });

  it('takes the same signal within half a second for an echo, and another one for a second', async () => {
    stopperOf({ drain: NEVER });
    handlers.get('SIGINT')?.();
    now += 500;
    handlers.get('SIGINT')?.();
    expect(codes).toEqual([]);
    handlers.get('SIGTERM')?.();
    expect(codes).toEqual([143]);
  });

  it.each([
    [30, 30_000],
    [0, 5_000],
  ])('K-36 a grace of %d s is over after %d ms, whatever hangs', async (graceSec, ms) => {
    stopperOf({ close: NEVER, graceSec });
    handlers.get('SIGTERM')?.();
    await settle();
    jest.advanceTimersByTime(ms - 1);
    expect(codes).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(codes).toEqual([143]);
  });

  it('ends once, whoever asks, with the code of the first', async () => {
    const { stopper, asked } = stopperOf();
    await Promise.all([stopper.stop(1), stopper.stop(0)]);
    expect([codes, asked.length]).toEqual([[1], 2]);
  });

  it('K-36 where nobody sent a signal, an end that hangs is fatal', () => {
    const { stopper } = stopperOf({ drain: NEVER, graceSec: 10 });
    void stopper.stop(0);
    jest.advanceTimersByTime(10_000);
    expect(codes).toEqual([1]);
  });

  it('is fatal where something failed at its end, and ends the rest all the same', async () => {
    const { stopper, asked } = stopperOf({ drain: () => Promise.reject(new Error('stuck')) });
    await stopper.stop(0);
    expect([codes, asked.length]).toEqual([[1], 2]);
    expect(logged[0]).toEqual([
      'error',
      'The server did not end in order',
      expect.stringContaining('stuck'),
      'Process',
    ]);
  });
});
