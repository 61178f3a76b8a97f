import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ToolWorld } from '../../test/support/tool-world.js';
import type { ConfigOverrides } from '../config/index.js';
import { AppConfig } from '../config/index.js';
import type { ToolSourceEntry } from './tool-definition.js';

const entry = (
  name: string,
  more: Partial<ToolSourceEntry['options']> = {},
  origin = `Spec.${name}`,
): ToolSourceEntry => ({
  options: { name, ...more },
  origin,
  run: () => name,
});

let world: ToolWorld;
const registryOf = (settings: ConfigOverrides = {}) => (world = new ToolWorld(settings)).registry;

beforeEach(() => {
  world = new ToolWorld();
});

describe('ToolRegistry: adding', () => {
  it('S4-29 gives tools by name, and all in the order in which they came', () => {
    const { registry } = world;
    for (const name of ['b', 'a', 'c']) expect(registry.add(entry(name))).toEqual([]);
    expect(registry.all().map(({ name, ordinal }) => [name, ordinal])).toEqual([
      ['b', 0],
      ['a', 1],
      ['c', 2],
    ]);
    expect(registry.get('a')).toMatchObject({ name: 'a', origin: 'Spec.a', isEnabled: true });
    expect(registry.get('A')).toBeUndefined();
  });

  it('takes no arguments for a tool that has no schema', async () => {
    world.registry.add(entry('a'));
    expect(await world.registry.get('a')?.input.check({ x: 1 })).toMatchObject({ isValid: false });
    expect(world.registry.get('a')?.output).toBeUndefined();
  });

  it.each(['', 'a b', 'ä', 'a/b', 'a'.repeat(129), '__proto__\n'])('refuses the name %j', (name) => {
    const faults = world.registry.add(entry(name, {}, 'Spec.method'));
    expect(faults).toEqual([`Spec.method: "${name}" is not a tool name: use 1 to 128 of A-Z a-z 0-9 _ - .`]);
    expect(world.registry.all()).toEqual([]);
  });

  it.each(['a', 'A', '0', 'snake_case', 'kebab-case', 'with.dot', 'a'.repeat(128)])(
    'K-29 takes the name %j',
    (name) => {
      expect(world.registry.add(entry(name))).toEqual([]);
    },
  );

  it.each([
    ['timeoutMs', 0, 1, 3_600_000],
    ['timeoutMs', 3_600_001, 1, 3_600_000],
    ['timeoutMs', 1.5, 1, 3_600_000],
    ['timeoutMs', Number.NaN, 1, 3_600_000],
    ['concurrency', 0, 1, 100],
    ['concurrency', 101, 1, 100],
    ['queue', -1, 0, 10_000],
    ['runsPerMinute', 0, 1, 10_000],
    ['runsPerMinute', '5', 1, 10_000],
    ['perCaller', 0, 1, 100],
    ['totalRunsPerMinute', 100_001, 1, 100_000],
  ])('K-30 K-31 refuses %s of %p', (key, value, min, max) => {
    expect(world.registry.add(entry('a', { [key]: value }))).toEqual([
      `Spec.a: ${key} of tool "a" must be a whole number from ${min} to ${max}`,
    ]);
  });

  it('K-32 refuses bounds of a breaker that make no sense', () => {
    expect(world.registry.add(entry('a', { breaker: { threshold: 0, recoverySec: 601 } }))).toEqual([
      'Spec.a: breaker.threshold of tool "a" must be a whole number from 1 to 100',
      'Spec.a: breaker.recoverySec of tool "a" must be a whole number from 1 to 600',
    ]);
  });

  it('takes the ends of what it allows', () => {
    expect(world.registry.add(entry('a', { timeoutMs: 1, concurrency: 1, queue: 0, runsPerMinute: 1 }))).toEqual([]);
    const most = { timeoutMs: 3_600_000, concurrency: 100, queue: 10_000, runsPerMinute: 10_000 };
    expect(world.registry.add(entry('b', most))).toEqual([]);
  });

  it('tells every fault of a tool at once', () => {
    const faults = world.registry.add(
      entry('a b', { concurrency: 0, input: { type: 'string' }, output: 'text' as never }, 'Spec.method'),
    );
    expect(faults).toEqual([
      'Spec.method: "a b" is not a tool name: use 1 to 128 of A-Z a-z 0-9 _ - .',
      'Spec.method: concurrency of tool "a b" must be a whole number from 1 to 100',
      'Spec.method: the input schema of tool "a b" cannot be compiled: the schema must have type "object" at its root',
      'Spec.method: the output schema of tool "a b" cannot be compiled: a schema is a DTO class, a Standard Schema or a JSON Schema object',
    ]);
  });

  it('refuses a second tool of one name, and says where the first stands', () => {
    const { registry } = world;
    registry.add(entry('a', {}, 'One.method'));
    expect(registry.add(entry('a', {}, 'Other.method'))).toEqual([
      'Other.method: tool "a" is already defined by One.method',
    ]);
    expect(registry.get('a')?.origin).toBe('One.method');
  });
});

describe('ToolRegistry: which are enabled', () => {
  const enabled = (settings: ConfigOverrides['tools'], names = ['a', 'b', 'c']): string[] => {
    const registry = registryOf({ tools: settings ?? {} });
    for (const name of names) registry.add(entry(name));
    return registry.enabled().map(({ name }) => name);
  };

  it('K-28 all, unless a list says otherwise', () => {
    expect(enabled({})).toEqual(['a', 'b', 'c']);
    expect(enabled({ include: ['c', 'a'] })).toEqual(['a', 'c']);
    expect(enabled({ exclude: ['b'] })).toEqual(['a', 'c']);
  });

  it('S4-27 K-28 exclude wins over include', () => {
    expect(enabled({ include: ['a', 'b'], exclude: ['b', 'c'] })).toEqual(['a']);
  });

  it('K-28 names are case-sensitive', () => {
    expect(enabled({ include: ['A', 'b'] })).toEqual(['b']);
  });

  it('S1-2 tells the names of both lists that no tool has, each once', () => {
    const registry = registryOf({ tools: { include: ['a', 'x', 'y'], exclude: ['x', 'z'] } });
    registry.add(entry('a'));
    expect(registry.unknownNames()).toEqual(['x', 'y', 'z']);
  });

  it('is off from the start where its author says so', () => {
    const registry = registryOf({ tools: { include: ['a'] } });
    registry.add(entry('a', { enabled: false }));
    expect([registry.enabled(), registry.all()]).toMatchObject([[], [{ name: 'a', isEnabled: false }]]);
  });

  it.each([
    [{}, false],
    [{ include: ['run_command'] }, false],
    [{ runCommandEnabled: true }, false],
    [{ runCommandAllow: ['ls'] }, false],
    [{ runCommandEnabled: true, runCommandAllow: ['ls'] }, true],
    [{ runCommandEnabled: true, runCommandAllow: ['ls'], include: ['run_command'] }, true],
    [{ runCommandEnabled: true, runCommandAllow: ['ls'], include: ['a'] }, false],
    [{ runCommandEnabled: true, runCommandAllow: ['ls'], exclude: ['run_command'] }, false],
  ])('W-2 run_command needs settings of its own: %j', (settings, isEnabled) => {
    expect(enabled(settings, ['run_command']).length > 0).toBe(isEnabled);
  });
});

describe('ToolRegistry: limits', () => {
  const limitsOf = (settings: ConfigOverrides, options: Partial<ToolSourceEntry['options']> = {}): object => {
    const registry = registryOf(settings);
    registry.add(entry('My-Tool', options));
    const tool = registry.get('My-Tool');
    return {
      timeoutMs: tool?.timeoutMs,
      concurrency: tool?.bulkhead.rules.limit,
      queue: tool?.bulkhead.rules.queue,
      runsPerMinute: tool?.target.runsPerMinute,
    };
  };

  it('K-31 light tools have 64 places, no rate and no deadline of their own', () => {
    expect(limitsOf({ limits: { maxQueue: 7 } })).toEqual({
      timeoutMs: undefined,
      concurrency: 64,
      queue: 7,
      runsPerMinute: undefined,
    });
  });

  it('K-9 K-31 command tools have the tighter limits of the settings', () => {
    expect(limitsOf({}, { command: true })).toMatchObject({ concurrency: 2, runsPerMinute: 10 });
    const settings = { tools: { defaultConcurrency: 5 }, rate: { toolRunsPerMinute: 3 } };
    expect(limitsOf(settings, { command: true })).toMatchObject({ concurrency: 5, runsPerMinute: 3 });
  });

  it('takes what the author wrote, and above it what the operator sets', () => {
    const written = { command: true, timeoutMs: 1_500, concurrency: 3, queue: 0, runsPerMinute: 4 };
    expect(limitsOf({}, written)).toEqual({ timeoutMs: 1_500, concurrency: 3, queue: 0, runsPerMinute: 4 });
    const toolOverrides = { 'My-Tool': { timeoutSec: 9, concurrency: 8, runsPerMinute: 7 } };
    expect(limitsOf({ toolOverrides }, written)).toEqual({
      timeoutMs: 9_000,
      concurrency: 8,
      queue: 0,
      runsPerMinute: 7,
    });
  });

  it("W-25 a total over all callers, and the places of one, are the operator's, the author's, or for commands the settings'", () => {
    const rulesOf = (settings: ConfigOverrides, options: Partial<ToolSourceEntry['options']>): unknown[] => {
      const registry = registryOf(settings);
      registry.add(entry('t', options));
      const tool = registry.get('t');
      return [tool?.target, tool?.bulkhead.rules.perCaller];
    };
    expect(rulesOf({}, {})).toMatchObject([{ runsPerMinute: undefined, totalRunsPerMinute: undefined }, undefined]);
    const rate = { toolTotalPerMinute: 30 };
    expect(rulesOf({ rate }, {})[0]).toMatchObject({ totalRunsPerMinute: undefined });
    expect(rulesOf({ rate }, { command: true })[0]).toMatchObject({ runsPerMinute: 10, totalRunsPerMinute: 30 });
    const written = { command: true, totalRunsPerMinute: 20, perCaller: 2 };
    expect(rulesOf({ rate }, written)).toMatchObject([{ totalRunsPerMinute: 20 }, 2]);
    const toolOverrides = { t: { totalRunsPerMinute: 5, perCaller: 1 } };
    expect(rulesOf({ rate, toolOverrides }, written)).toMatchObject([{ totalRunsPerMinute: 5 }, 1]);
  });

  it("K-32 the rest of a breaker is the operator's, the author's, or the settings'", () => {
    const rulesOf = (settings: ConfigOverrides, options: Partial<ToolSourceEntry['options']> = {}): unknown => {
      const registry = registryOf(settings);
      registry.add(entry('nmap', options));
      return registry.get('nmap')?.breaker.rules;
    };
    expect(rulesOf({})).toEqual({ threshold: 5, recoveryMs: 60_000, successes: 1 });
    const breaker = { failureThreshold: 4, recoverySec: 30, halfOpenSuccesses: 2 };
    expect(rulesOf({ breaker })).toEqual({ threshold: 4, recoveryMs: 30_000, successes: 2 });
    const written = { breaker: { recoverySec: 120 } };
    expect(rulesOf({ breaker }, written)).toEqual({ threshold: 4, recoveryMs: 120_000, successes: 2 });
    const toolOverrides = { nmap: { breakerThreshold: 3, breakerRecoverySec: 5 } };
    expect(rulesOf({ breaker, toolOverrides }, written)).toEqual({ threshold: 3, recoveryMs: 5_000, successes: 2 });
  });

  it('S4-31 each tool has a breaker of its own, as the settings say', () => {
    const registry = registryOf({ breaker: { failureThreshold: 2, recoverySec: 3 } });
    registry.add(entry('a'));
    registry.add(entry('b'));
    const [a, b] = registry.all();
    for (let i = 0; i < 2; i++) a?.breaker.report(a.breaker.tryPass(0) ?? 0, 'failure', 0);
    expect([a?.breaker.state, a?.breaker.restMs(0), b?.breaker.state]).toEqual(['open', 3_000, 'closed']);
  });
});

describe('ToolRegistry: changes', () => {
  it('S1-47 S4-29 switches a tool off and on, in its place', () => {
    const { registry } = world;
    for (const name of ['a', 'b', 'c']) registry.add(entry(name));
    const before = registry.get('b');
    registry.setEnabled('b', false);
    expect(registry.enabled().map(({ name }) => name)).toEqual(['a', 'c']);
    expect(registry.all().map(({ name, ordinal }) => [name, ordinal])).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ]);
    expect(registry.get('b')).toEqual({ ...before, isEnabled: false });
    // What runs, and what failed, goes on to count.
    expect(registry.get('b')?.bulkhead).toBe(before?.bulkhead);
    expect(registry.get('b')?.breaker).toBe(before?.breaker);
    registry.setEnabled('b', true);
    expect(registry.enabled().map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('knows no tool that it was not given', () => {
    expect(() => world.registry.setEnabled('a', true)).toThrow(
      expect.objectContaining({ kind: 'unknown_tool', message: 'Unknown tool: a' }),
    );
  });

  it('counts and tells each change, and nothing that is none', () => {
    const { registry } = world;
    const listener = jest.fn();
    const stop = registry.onChange(listener);
    registry.add(entry('a'));
    registry.add(entry('a'));
    registry.add(entry('not a name'));
    expect([registry.version, listener.mock.calls.length]).toEqual([1, 1]);
    registry.setEnabled('a', true);
    expect([registry.version, listener.mock.calls.length]).toEqual([1, 1]);
    registry.setEnabled('a', false);
    expect([registry.version, listener.mock.calls.length]).toEqual([2, 2]);
    stop();
    registry.setEnabled('a', true);
    expect([registry.version, listener.mock.calls.length]).toEqual([3, 2]);
  });

  it('tells a listener when the change can be seen', () => {
    const { registry } = world;
    const seen: boolean[] = [];
    registry.add(entry('a'));
    registry.onChange(() => seen.push(registry.get('a')?.isEnabled ?? false));
    registry.setEnabled('a', false);
    expect(seen).toEqual([false]);
  });
});

describe('ToolRegistry: other settings', () => {
  it('S4-38 give tools other limits, where they differ; what runs and what failed goes on to count', () => {
    const { registry } = world;
    registry.add(entry('a', { runsPerMinute: 5, timeoutMs: 500 }));
    registry.add(entry('b'));
    const [a, b] = registry.all();
    const version = registry.version;
    const rates = { runsPerMinute: 9, totalRunsPerMinute: 90 };
    const override = { ...rates, timeoutSec: 2, concurrency: 3, perCaller: 1, breakerThreshold: 2 };
    registry.reconfigure(AppConfig.of({ toolOverrides: { a: override } }));
    const changed = registry.get('a');
    expect(changed).toMatchObject({ timeoutMs: 2_000, target: rates });
    expect([changed?.bulkhead.rules, changed?.breaker.rules]).toMatchObject([
      { limit: 3, perCaller: 1 },
      { threshold: 2, recoveryMs: 60_000 },
    ]);
    expect([changed?.bulkhead === a?.bulkhead, changed?.breaker === a?.breaker]).toEqual([true, true]);
    expect([registry.get('b'), registry.version]).toEqual([b, version]);
    registry.reconfigure(AppConfig.of());
    expect(registry.get('a')).toMatchObject({ timeoutMs: 500, target: { runsPerMinute: 5 } });
    expect(registry.get('a')?.bulkhead.rules).toMatchObject({ limit: 64, perCaller: undefined });
  });
});
