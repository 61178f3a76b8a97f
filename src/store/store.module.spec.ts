import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Global, Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { FakeClock } from '../../test/support/fake-clock.js';
import { Clock } from '../common/index.js';
import { AppConfig, ConfigModule, type ConfigOverrides } from '../config/index.js';
import { defaultStateFolder, DurableStore, openState, SessionKeys, SessionStore, StoreModule } from './index.js';

@Global()
@Module({ providers: [{ provide: Clock, useClass: FakeClock }], exports: [Clock] })
class ClockModule {}

describe('StoreModule', () => {
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'gatehouse-store-'));
  });

  afterEach(() => rm(root, { recursive: true }));

  const start = async (overrides: ConfigOverrides): Promise<TestingModule> => {
    const config = ConfigModule.forRoot(AppConfig.of(overrides));
    const imports = [config, ClockModule, StoreModule.forRoot({ stateRoot: root })];
    return (await Test.createTestingModule({ imports }).compile()).init();
  };

  it('keeps state in a folder per port', async () => {
    const overrides = { server: { transports: ['http'], port: 9_999 } } as const;
    const app = await start(overrides);
    await app.get(DurableStore).put({ namespace: 'n', key: 'k', value: 1 });
    await app.get(SessionStore).put('s', { lastSeenAt: 1 }, Infinity);
    const keys = app.get(SessionKeys);
    await expect(start(overrides)).rejects.toThrow('is in use by "gatehouse"');
    await app.close();
    await app.close();
    expect((await readdir(join(root, 'gatehouse', 'port-9999'))).sort()).toEqual(['session.key', 'state.journal']);

    const again = await start(overrides);
    expect(await again.get(DurableStore).get('n', 'k')).toBe(1);
    expect(await again.get(SessionStore).get('s')).toEqual({ lastSeenAt: 1 });
    expect(again.get(SessionKeys)).toEqual(keys);
    await again.close();
  });

  it('S2-1 keeps state in a folder per TCP port, where that is all there is', async () => {
    const app = await start({ server: { transports: ['tcp', 'stdio'], tcpPort: 9_501, port: 8_080 } });
    expect(await readdir(join(root, 'gatehouse'))).toEqual(['port-9501']);
    await app.close();
  });

  it('keeps state where the setting says, and no key when one is given', async () => {
    const stateDir = join(root, 'mine');
    const keys = `k:${Buffer.alloc(32, 5).toString('base64')}`;
    const app = await start({ server: { transports: ['stdio', 'http'] }, sessions: { stateDir, keys } });
    expect(app.get(SessionKeys).first.kid).toBe('k');
    expect((await readdir(stateDir)).sort()).toEqual(['lock', 'state.journal']);
    await app.close();
  });

  it('D-9 writes no state for stdio alone', async () => {
    const app = await start({ server: { transports: ['stdio'] } });
    await app.get(DurableStore).put({ namespace: 'n', key: 'k', value: 1 });
    expect(await app.get(DurableStore).has('n', 'k')).toBe(true);
    expect(await readdir(root)).toEqual([]);
    await app.close();
  });

  it('takes state that is open already, and closes it with the application', async () => {
    const clock = new FakeClock();
    const settings = AppConfig.of({ server: { transports: ['http'] }, sessions: { stateDir: root } });
    const state = await openState(settings, clock);
    const imports = [ConfigModule.forRoot(settings), ClockModule, StoreModule.forRoot({ state })];
    const app = await (await Test.createTestingModule({ imports }).compile()).init();
    expect(app.get(DurableStore)).toBe(state.durable);
    await app.close();
    await (await openState(settings, clock)).close();
  });

  it('gives the folder back when the start fails on what is in it', async () => {
    const overrides = { server: { transports: ['http'] }, sessions: { stateDir: root } } as const;
    await writeFile(join(root, 'state.journal'), 'damaged\n');
    await expect(start(overrides)).rejects.toThrow('is damaged at line 1');
    await rm(join(root, 'state.journal'));
    await writeFile(join(root, 'state.journal.new'), 'left over');
    await (await start(overrides)).close();
  });
});

describe('defaultStateFolder', () => {
  it.each([
    ['linux', join(homedir(), '.local', 'state')],
    ['darwin', join(homedir(), 'Library', 'Application Support')],
    ['win32', join(homedir(), 'AppData', 'Local')],
  ] as const)('is in the state folder of the user on %s', (platform, root) => {
    expect(defaultStateFolder({ port: 8080, platform })).toBe(join(root, 'gatehouse', 'port-8080'));
  });

  it('is where the environment says', () => {
    expect(defaultStateFolder({ port: 1, stateRoot: '/x' })).toBe(join('/x', 'gatehouse', 'port-1'));
  });
});
