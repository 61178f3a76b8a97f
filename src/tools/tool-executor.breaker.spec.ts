import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { BadRequestException, Logger } from '@nestjs/common';
import { callScope, ToolWorld } from '../../test/support/tool-world.js';
import { ProtocolError, ToolError } from '../common/index.js';
import type { ToolResult } from './tool-result.js';

const kindOf = ({ _meta }: ToolResult): unknown =>
  (_meta?.['mcp-gatehouse/error'] as { kind: unknown } | undefined)?.kind;
const textOf = ({ content }: ToolResult): string =>
  content.map((block) => (block.type === 'text' ? block.text : '?')).join();

async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

beforeEach(() => {
  jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

/** A tool that does what it is told, in a world whose breakers open after three failures and rest for 60 s. */
function worldOf(options: Parameters<ToolWorld['add']>[0] = {}): { world: ToolWorld; run: jest.Mock<() => unknown> } {
  const run = jest.fn<() => unknown>(() => 'fine');
  return { world: new ToolWorld({ breaker: { failureThreshold: 3 } }).add(options, run), run };
}

const failing = (error: unknown) => (): never => {
  throw error;
};
const stateOf = (world: ToolWorld): string | undefined => world.registry.get('tool')?.breaker.state;

describe('ToolExecutor: the breaker', () => {
  it('W-24 S4-31 opens after failures in a row, fails fast, half-opens by the clock, and closes', async () => {
    const { world, run } = worldOf();
    run.mockImplementation(failing(new Error('x')));
    for (let i = 0; i < 3; i++) expect(kindOf(await world.call())).toBe('internal');
    run.mockImplementation(() => 'fine');
    world.clock.advance(15_500);
    const refused = await world.call();
    expect(refused).toEqual({
      content: [{ type: 'text', text: 'Circuit breaker is open for tool: it failed too often. Try again in 45 s.' }],
      isError: true,
      _meta: { 'mcp-gatehouse/error': { kind: 'breaker_open', requestId: 'req-1', retryAfterMs: 44_500 } },
    });
    expect([run.mock.calls.length, world.outcomes()]).toEqual([3, { failure: 3, refused: 1 }]);
    world.clock.advance(44_500);
    expect(textOf(await world.call())).toBe('fine');
    expect(stateOf(world)).toBe('closed');
  });

  it('S4-32 counts a deadline that passed', async () => {
    const { world, run } = worldOf({ timeoutMs: 10, concurrency: 3 });
    run.mockImplementation(() => new Promise(() => undefined));
    for (let i = 0; i < 3; i++) {
      const running = world.call();
      await settled();
      world.pass(10);
      expect(kindOf(await running)).toBe('timeout');
    }
    expect(stateOf(world)).toBe('open');
  });

  it('S4-32 counts a result that its author did not allow, and one that JSON cannot say', async () => {
    const { world, run } = worldOf({ output: { type: 'object', required: ['a'] } });
    run.mockImplementation(() => ({}));
    for (let i = 0; i < 2; i++) expect(kindOf(await world.call())).toBe('invalid_result');
    run.mockImplementation(() => ({ a: 1n }));
    expect(kindOf(await world.call())).toBe('internal');
    expect(stateOf(world)).toBe('open');
  });

  it.each<[string, () => unknown]>([
    ['a failure written for the model', failing(new ToolError('No such city'))],
    ['a failure that is returned', () => ({ content: [], isError: true })],
    ['a refusal of Nest', failing(new BadRequestException('Bad word'))],
    ['a fault of the protocol', failing(new ProtocolError('invalid_params', 'x'))],
  ])('S4-32 W-24 takes %s for neither success nor failure', async (_what, work) => {
    const { world, run } = worldOf();
    run.mockImplementation(work);
    for (let i = 0; i < 10; i++) await world.call().catch(() => undefined);
    expect(stateOf(world)).toBe('closed');
    // Between failures it does not break their row.
    for (const step of [failing(new Error('x')), work, failing(new Error('x')), work, failing(new Error('x'))]) {
      run.mockImplementation(step);
      await world.call().catch(() => undefined);
    }
    expect(stateOf(world)).toBe('open');
  });

  it('S4-32 takes no fault of the arguments for one of the tool', async () => {
    const { world } = worldOf({ input: { type: 'object', required: ['a'] } });
    for (let i = 0; i < 10; i++) await world.call({}).catch(() => undefined);
    for (let i = 0; i < 10; i++) await world.call('text');
    expect(stateOf(world)).toBe('closed');
  });

  it('S4-32 takes no call that was cancelled for a failure', async () => {
    const { world, run } = worldOf();
    run.mockImplementation(() => new Promise(() => undefined));
    for (let i = 0; i < 10; i++) {
      const scope = callScope();
      const running = world.call({}, scope).catch(() => undefined);
      await settled();
      scope.cancel('gone');
      await running;
    }
    expect(stateOf(world)).toBe('closed');
  });

  async function open(world: ToolWorld, run: jest.Mock<() => unknown>): Promise<void> {
    run.mockImplementation(failing(new Error('x')));
    for (let i = 0; i < 3; i++) await world.call();
    run.mockClear();
    expect(stateOf(world)).toBe('open');
  }

  it('S4-31 lets one trial run at a time', async () => {
    const { world, run } = worldOf();
    await open(world, run);
    world.clock.advance(60_000);
    let end: (value: string) => void = () => undefined;
    run.mockImplementation(() => new Promise((resolve) => (end = resolve)));
    const trial = world.call();
    await settled();
    expect(kindOf(await world.call())).toBe('breaker_open');
    end('fine');
    expect(textOf(await trial)).toBe('fine');
    expect([run.mock.calls.length, stateOf(world)]).toEqual([1, 'closed']);
  });

  it.each<[string, () => unknown]>([
    ['throws', failing(new Error('x'))],
    ['returns what JSON cannot say', () => ({ big: 1n })],
  ])('W-24 a trial that %s makes it rest again, not for ever', async (_what, work) => {
    const { world, run } = worldOf();
    await open(world, run);
    world.clock.advance(60_000);
    run.mockImplementation(work);
    expect(kindOf(await world.call())).toBe('internal');
    run.mockImplementation(() => 'fine');
    expect(kindOf(await world.call())).toBe('breaker_open');
    world.clock.advance(60_000);
    expect(textOf(await world.call())).toBe('fine');
  });

  it.each<[string, () => unknown]>([
    ['fails for the model to read', failing(new ToolError('x'))],
    ['returns a failure', () => ({ content: [], isError: true })],
  ])('W-24 after a trial that %s the next may try at once', async (_what, work) => {
    const { world, run } = worldOf();
    await open(world, run);
    world.clock.advance(60_000);
    run.mockImplementation(work);
    await world.call();
    expect(stateOf(world)).toBe('half_open');
    run.mockImplementation(() => 'fine');
    expect(textOf(await world.call())).toBe('fine');
    expect(stateOf(world)).toBe('closed');
  });

  it('W-24 a trial that is cancelled, before it runs or while it does, locks nobody out', async () => {
    const { world, run } = worldOf();
    await open(world, run);
    world.clock.advance(60_000);
    const before = callScope();
    before.cancel('gone');
    await expect(world.call({}, before)).rejects.toMatchObject({ kind: 'cancelled' });
    run.mockImplementation(() => new Promise(() => undefined));
    const meanwhile = callScope();
    const running = expect(world.call({}, meanwhile)).rejects.toMatchObject({ kind: 'cancelled' });
    await settled();
    meanwhile.cancel('gone');
    await running;
    run.mockImplementation(() => 'fine');
    expect(textOf(await world.call())).toBe('fine');
  });

  it('S4-12 asks again after waiting for a place, and gives the place back', async () => {
    const { world, run } = worldOf({ concurrency: 1 });
    let fail: (error: Error) => void = () => undefined;
    run.mockImplementation(failing(new Error('x')));
    for (let i = 0; i < 2; i++) await world.call();
    run.mockImplementation(() => new Promise((_resolve, reject) => (fail = reject)));
    const running = world.call();
    const waiting = [world.call(), world.call()];
    await settled();
    fail(new Error('x'));
    expect(kindOf(await running)).toBe('internal');
    expect((await Promise.all(waiting)).map(kindOf)).toEqual(['breaker_open', 'breaker_open']);
    expect(run).toHaveBeenCalledTimes(3);
    expect(world.registry.get('tool')?.bulkhead.runningCount).toBe(0);
  });

  it('S4-31 refuses before it waits for a place', async () => {
    const { world, run } = worldOf({ concurrency: 1, queue: 0, timeoutMs: 10 });
    run.mockImplementation(failing(new Error('x')));
    for (let i = 0; i < 2; i++) await world.call();
    run.mockImplementation(() => new Promise(() => undefined));
    const running = world.call();
    await settled();
    world.pass(10);
    expect(kindOf(await running)).toBe('timeout');
    // The work goes on and holds the one place: what is told is that the tool rests, not that it is busy.
    expect(world.registry.get('tool')?.bulkhead.runningCount).toBe(1);
    expect(kindOf(await world.call())).toBe('breaker_open');
  });
});
