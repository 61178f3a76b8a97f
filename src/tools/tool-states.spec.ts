import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { ToolWorld } from '../../test/support/tool-world.js';
import type { ConfigOverrides } from '../config/index.js';
import { LocalBus } from '../store/bus.js';
import { type Bus, type DurableStore, EmbeddedState } from '../store/index.js';
import { ToolStates } from './tool-states.js';

const BY = 'https://idp/root';
let world: ToolWorld;
let store: DurableStore;
let bus: Bus;
let states: ToolStates;
const opened: ToolStates[] = [];

/** A process on the same store. */
async function open(settings: ConfigOverrides = {}): Promise<void> {
  const { clock, security } = world;
  const next = new ToolWorld(settings);
  for (const name of ['a', 'b', 'run_command']) next.add({ name }, () => name);
  Object.assign(next, { clock, security });
  world = next;
  states = new ToolStates(world.registry, store, world.security, world.clock, bus);
  opened.push(states);
  await states.onApplicationBootstrap();
}

beforeEach(async () => {
  jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
  world = new ToolWorld();
  bus = new LocalBus();
  store = (await EmbeddedState.open({ clock: world.clock })).durable;
  await open();
});

afterEach(() => {
  for (const one of opened.splice(0)) one.onApplicationShutdown();
  jest.restoreAllMocks();
});

const isOn = (name = 'a'): boolean | undefined => world.registry.get(name)?.isEnabled;

describe('ToolStates', () => {
  it('S1-47 S4-7 switch at once, with a reason, and write it down', async () => {
    expect(states.stateOf('a')).toEqual({ name: 'a', isEnabled: true, decidedBy: 'settings' });
    const since = world.clock.now();
    const state = await states.disable('a', { by: BY, reason: 'too loud', until: since + 60_000 });
    expect(state).toEqual({
      name: 'a',
      isEnabled: false,
      decidedBy: 'operator',
      order: { by: BY, reason: 'too loud', since, until: since + 60_000 },
    });
    expect(isOn()).toBe(false);
    await states.enable('a', { by: BY });
    expect(isOn()).toBe(true);
    expect(world.security.events).toEqual([
      { event: 'tool_disabled', details: { tool: 'a', principal: BY, reason: 'too loud', until: since + 60_000 } },
      { event: 'tool_enabled', details: { tool: 'a', principal: BY, reason: undefined, until: undefined } },
    ]);
    expect(states.all().map(({ name, isEnabled }) => [name, isEnabled])).toEqual([
      ['a', true],
      ['b', true],
      ['run_command', false],
    ]);
  });

  it('what changes nothing is no event', async () => {
    await states.enable('a', { by: BY });
    expect(world.security.events).toEqual([]);
    expect(states.stateOf('a').decidedBy).toBe('operator');
  });

  it('outlast a restart, over the settings of the next', async () => {
    await states.disable('a', { by: BY, reason: 'broken' });
    await states.enable('b', { by: BY });
    await open({ tools: { exclude: ['b'] } });
    expect([isOn('a'), isOn('b')]).toEqual([false, true]);
    expect(states.stateOf('a').order).toMatchObject({ by: BY, reason: 'broken' });
  });

  it('go back by themselves, in this process and in the next', async () => {
    const until = world.clock.now() + 1_000;
    await states.disable('a', { by: BY, until });
    await states.disable('b', { by: BY });
    world.clock.advance(999);
    states.sweep();
    expect(isOn()).toBe(false);
    world.clock.advance(1);
    states.sweep();
    expect([isOn('a'), isOn('b'), states.stateOf('a').decidedBy]).toEqual([true, false, 'settings']);
    expect(world.security.events.at(-1)).toEqual({
      event: 'tool_enabled',
      details: { tool: 'a', principal: BY, reason: 'expired', until: undefined },
    });
    await states.disable('a', { by: BY, until: world.clock.now() + 1_000 });
    world.clock.advance(1_000);
    await open();
    expect([isOn('a'), isOn('b')]).toEqual([true, false]);
    await states.enable('b', { by: BY, until: world.clock.now() + 1 });
    world.clock.advance(1);
    states.sweep();
    states.sweep();
    expect(isOn('b')).toBe(true);
  });

  it('of tools that are gone are kept for their return, and harm nobody', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    const until = world.clock.now() + 1_000;
    await store.put({ namespace: 'tool-states', key: 'gone', value: { isEnabled: false, by: BY, since: 1, until } });
    await store.put({ namespace: 'tool-states', key: 'b', value: 'no state' });
    await open();
    expect(isOn('b')).toBe(true);
    expect(warn).toHaveBeenCalledWith('There is a kept state of the tool gone, and no such tool');
    world.clock.advance(1_000);
    states.sweep();
  });

  it('K-27 wrong names are errors, and so are a wrong reason and a wrong end', async () => {
    for (const work of [states.enable('x', { by: BY }), states.disable('x', { by: BY })]) {
      await expect(work).rejects.toMatchObject({ kind: 'unknown_tool' });
    }
    expect(() => states.stateOf('x')).toThrow('Unknown tool: x');
    expect(() => states.setByAuthor('x', true)).toThrow('Unknown tool: x');
    for (const wrong of [{ reason: 'x'.repeat(501) }, { until: world.clock.now() }, { until: Number.NaN }]) {
      await expect(states.disable('a', { by: BY, ...wrong })).rejects.toMatchObject({ kind: 'invalid_params' });
    }
    expect(isOn()).toBe(true);
  });

  it('W-2 never stand for a setting that a tool needs', async () => {
    await expect(states.enable('run_command', { by: BY })).rejects.toMatchObject({ kind: 'permission_denied' });
    states.setByAuthor('run_command', true);
    expect(isOn('run_command')).toBe(false);
    const offered = { tools: { runCommandEnabled: true, runCommandAllow: ['ls'] } };
    await open(offered);
    await states.disable('run_command', { by: BY });
    await states.enable('run_command', { by: BY });
    expect(isOn('run_command')).toBe(true);
    await open();
    expect(isOn('run_command')).toBe(false);
  });

  it('an operator stands above the code of a tool, which is asked again after a restart', async () => {
    states.setByAuthor('a', false);
    expect([isOn(), states.stateOf('a').decidedBy]).toEqual([false, 'author']);
    await states.enable('a', { by: BY, until: world.clock.now() + 1_000 });
    states.setByAuthor('a', false);
    expect(isOn()).toBe(true);
    world.clock.advance(1_000);
    states.sweep();
    expect(isOn()).toBe(false);
    states.setByAuthor('a', true);
    expect(world.security.events.map(({ event, details }) => [event, details['principal']])).toEqual([
      ['tool_disabled', 'plug-in'],
      ['tool_enabled', BY],
      ['tool_disabled', BY],
      ['tool_enabled', 'plug-in'],
    ]);
    states.setByAuthor('a', false);
    await open();
    expect(isOn()).toBe(true);
  });

  it('that cannot be kept fail closed: off is off, on is not on', async () => {
    jest.spyOn(store, 'put').mockRejectedValue(new Error('the disk is full'));
    await expect(states.disable('a', { by: BY })).rejects.toMatchObject({ kind: 'store_unavailable' });
    expect(isOn()).toBe(false);
    await expect(states.enable('a', { by: BY })).rejects.toMatchObject({ kind: 'store_unavailable' });
    expect(isOn()).toBe(false);
  });

  it('D-10 hold at every replica as soon as it hears of them, or within 5 s, and are written down once', async () => {
    const [here, { security }] = [states, world];
    await open();
    await here.disable('a', { by: BY, reason: 'too loud' });
    await turns();
    expect(isOn()).toBe(false);
    expect(states.stateOf('a')).toEqual(here.stateOf('a'));
    expect(security.events.map(({ event }) => event)).toEqual(['tool_disabled']);
    jest.spyOn(bus, 'publish').mockReturnValue(undefined);
    await here.enable('a', { by: BY });
    await turns();
    expect(isOn()).toBe(false);
    world.clock.advance(5_000);
    states.sweep();
    await turns();
    expect(isOn()).toBe(true);
  });
});

/** Lets what a message began come to its end. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
}
