import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { type TemporaryFolder, temporaryFolder } from '../../../test/support/places.js';
import { StartError } from '../../common/index.js';
import type { AppConfig } from '../app-config.js';
import { AppConfig as Config } from '../app-config.js';
import { PlacedConfig } from '../load-config.js';
import { ConfigReload, type ReloadOutcome } from './config-reload.js';
import { GivenConfig } from './config-source.js';
import { ConfigWatch } from './config-watch.js';
import { CurrentSettings } from './live-settings.js';
import { type PreparedReload, Reloadable } from './reloadable.js';

let folder: TemporaryFolder;
let file: string;
let config: AppConfig;
let live: CurrentSettings;
let reloads: ConfigReload;

const write = (text: string): Promise<void> => writeFile(file, text);

async function start(text: string, env: Record<string, string> = {}): Promise<void> {
  await write(text);
  const source = new PlacedConfig({ argv: ['--config', 'g.yaml'], env, cwd: folder.path });
  config = await source.load();
  live = new CurrentSettings(config);
  reloads = new ConfigReload(config, source, live);
}

beforeEach(async () => {
  folder = await temporaryFolder();
  file = join(folder.path, 'g.yaml');
  await start('rate: { maxMessages: 5 }');
});

afterEach(async () => {
  await folder.remove();
  jest.restoreAllMocks();
});

/** A part whose word on a reload is up to the test. */
class Part extends Reloadable {
  readonly commit = jest.fn();
  fault: Error | undefined;

  override prepare(): PreparedReload {
    if (this.fault) throw this.fault;
    return { changed: ['policy.rolesFile'], commit: this.commit };
  }
}

describe('ConfigReload', () => {
  it('S4-38 takes over what can change, and names what cannot', async () => {
    const rate = live.rate;
    await write('rate: { maxMessages: 9 }\nserver: { port: 9999 }\ntoolOverrides: { echo: { runsPerMinute: 3 } }\n');
    expect(await reloads.reload()).toEqual({
      isAccepted: true,
      changed: ['rate.maxMessages', 'toolOverrides.ECHO.runsPerMinute'],
      needsRestart: ['server.port'],
    });
    expect([live.rate.maxMessages, live.toolOverrides.get('ECHO')?.runsPerMinute]).toEqual([9, 3]);
    expect([config.rate, config.server.port]).toEqual([rate, 8080]);
    // What needs a restart still does, also where nothing has changed since.
    expect(await reloads.reload()).toEqual({ isAccepted: true, changed: [], needsRestart: ['server.port'] });
    await write('toolOverrides: { math_calc: { timeoutSec: 1 } }');
    expect(await reloads.reload()).toEqual({
      isAccepted: true,
      changed: ['rate.maxMessages', 'toolOverrides.ECHO.runsPerMinute', 'toolOverrides.MATH_CALC.timeoutSec'],
      needsRestart: [],
    });
  });

  it('S4-38 a bad file keeps all that was, and every fault is told', async () => {
    const part = new Part();
    reloads.join(part);
    const rate = live.rate;
    await write('rate: { maxMessages: many, burst: few }\nserver: { prt: 1 }\n');
    const outcome = await reloads.reload();
    expect(outcome.isAccepted ? [] : outcome.faults).toHaveLength(3);
    expect([live.rate, part.commit.mock.calls]).toEqual([rate, []]);
  });

  it('one part that refuses keeps every other from it', async () => {
    const [first, second, third] = [new Part(), new Part(), new Part()];
    for (const part of [first, second, third]) reloads.join(part);
    second.fault = new StartError('The roles have faults:', ['a', 'b']);
    third.fault = new TypeError('a defect');
    await write('rate: { maxMessages: 9 }');
    expect(await reloads.reload()).toEqual({ isAccepted: false, faults: ['a', 'b', 'a defect'] });
    expect([live.rate.maxMessages, first.commit.mock.calls]).toEqual([5, []]);
    second.fault = third.fault = undefined;
    expect(await reloads.reload()).toMatchObject({ changed: ['rate.maxMessages', 'policy.rolesFile'] });
    expect([first, second, third].map(({ commit }) => commit.mock.calls.length)).toEqual([1, 1, 1]);
  });

  it('a fault without a list is told by its headline, and what is no error by its text', async () => {
    const part = new Part();
    const leave = reloads.join(part);
    part.fault = new StartError('No.');
    expect(await reloads.reload()).toEqual({ isAccepted: false, faults: ['No.'] });
    leave();
    expect(await reloads.reload()).toMatchObject({ isAccepted: true });
  });

  it('goes one at a time, and misses none', async () => {
    const outcomes: ReloadOutcome[] = [];
    const stop = reloads.onOutcome((outcome) => void outcomes.push(outcome));
    await write('rate: { maxMessages: 9 }');
    const both = [reloads.reload(), reloads.reload()];
    expect(await Promise.all(both)).toEqual(outcomes);
    expect(outcomes).toMatchObject([{ changed: ['rate.maxMessages'] }, { changed: [] }]);
    stop();
    await reloads.reload();
    expect(outcomes).toHaveLength(2);
  });

  it('knows a secret that changed, and does not show it', async () => {
    const key = (letter: string): string => `k:${Buffer.alloc(32, letter).toString('base64')}`;
    await start('', { MCP_SESSION_KEYS: key('a') });
    const other = { argv: ['--config', 'g.yaml'], env: { MCP_SESSION_KEYS: key('b') }, cwd: folder.path };
    reloads = new ConfigReload(config, new PlacedConfig(other), live);
    expect(await reloads.reload()).toEqual({ isAccepted: true, changed: [], needsRestart: ['sessions.keys'] });
  });

  it('of settings given in code there is nothing to read but the files that they name', async () => {
    const given = Config.of({ policy: { rolesFile: 'roles.yaml' } });
    const source = new GivenConfig(given);
    expect([source.files(given), new GivenConfig(config).files(config)]).toEqual([['roles.yaml'], []]);
    expect(await new ConfigReload(given, source, new CurrentSettings(given)).reload()).toEqual({
      isAccepted: true,
      changed: [],
      needsRestart: [],
    });
  });
});

describe('ConfigWatch', () => {
  const open = async (env: Record<string, string>): Promise<{ watch: ConfigWatch; count: () => number }> => {
    await start('rate: { maxMessages: 5 }', env);
    let count = 0;
    reloads.onOutcome(() => void (count += 1));
    const watch = new ConfigWatch(config, reloads);
    await watch.onModuleInit();
    return { watch, count: () => count };
  };

  it('S4-38 reloads when a file changes, once it has been the same for two looks', async () => {
    const { watch, count } = await open({ MCP_CONFIG_WATCH: 'true' });
    await watch.look();
    await watch.look();
    expect(count()).toBe(0);
    await write('rate: { maxMessages: 11 }');
    await watch.look();
    expect(count()).toBe(0);
    await watch.look();
    expect([count(), live.rate.maxMessages]).toEqual([1, 11]);
    await watch.look();
    expect(count()).toBe(1);
    // A file that comes, one that is put in the place of another, and one that goes.
    await writeFile(join(folder.path, '.env'), 'MCP_RATE_LIMIT_BURST=3');
    for (let i = 0; i < 3; i++) await watch.look();
    expect([count(), live.rate.burst]).toEqual([2, 3]);
    await writeFile(`${file}.new`, 'rate: { maxMessages: 12 }');
    await rename(`${file}.new`, file);
    for (let i = 0; i < 3; i++) await watch.look();
    expect([count(), live.rate.maxMessages]).toEqual([3, 12]);
    watch.onApplicationShutdown();
  });

  it('does not look twice at once', async () => {
    const { watch, count } = await open({ MCP_CONFIG_WATCH: 'true' });
    await write('rate: { maxMessages: 11 }');
    await watch.look();
    await Promise.all([watch.look(), watch.look(), watch.look()]);
    expect(count()).toBe(1);
    watch.onApplicationShutdown();
  });

  it('goes on where a look fails', async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    const { watch } = await open({ MCP_CONFIG_WATCH: 'true' });
    jest.spyOn(reloads, 'files', 'get').mockImplementationOnce(() => {
      throw new Error('oops');
    });
    await watch.look();
    expect(error).toHaveBeenCalledWith('The settings could not be watched', expect.stringContaining('oops'));
    await expect(watch.look()).resolves.toBeUndefined();
    watch.onApplicationShutdown();
  });

  it('is off unless it is asked for', async () => {
    const timer = jest.spyOn(globalThis, 'setInterval');
    const { watch } = await open({});
    expect(timer).not.toHaveBeenCalled();
    watch.onApplicationShutdown();
  });
});
