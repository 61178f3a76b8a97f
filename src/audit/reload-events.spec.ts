import { afterEach, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { RecordingSecurityLog } from '../../test/support/tool-world.js';
import { StartError } from '../common/index.js';
import { AppConfig, ConfigReload, type ConfigSource } from '../config/index.js';
import { CurrentSettings } from '../config/reload/live-settings.js';
import { ReloadEvents } from './reload-events.js';

afterEach(() => {
  jest.restoreAllMocks();
});

it('S4-38 writes down what changed, or all that is wrong', async () => {
  const said: unknown[] = [];
  for (const level of ['log', 'warn', 'error'] as const) {
    jest.spyOn(Logger.prototype, level).mockImplementation((text: unknown) => void said.push([level, text]));
  }
  const next = [
    AppConfig.of(),
    AppConfig.of({ rate: { maxMessages: 9 }, server: { port: 9999 } }),
    new StartError('Cannot start with these settings:', ['a is wrong', 'b is wrong']),
  ];
  const source: ConfigSource = {
    files: () => [],
    load: async () => {
      const read = next.shift();
      if (read instanceof AppConfig) return read;
      throw read as StartError;
    },
  };
  const config = AppConfig.of();
  const reloads = new ConfigReload(config, source, new CurrentSettings(config));
  const security = new RecordingSecurityLog();
  new ReloadEvents(reloads, security).onModuleInit();
  for (let i = 0; i < 3; i++) await reloads.reload();
  expect(security.events).toEqual([
    { event: 'config_reloaded', details: { keys: '', needsRestart: '' } },
    { event: 'config_reloaded', details: { keys: 'rate.maxMessages', needsRestart: 'server.port' } },
    { event: 'config_rejected', details: { faults: 2 } },
  ]);
  expect(said).toEqual([
    ['log', 'The settings were read again; changed: nothing'],
    ['log', 'The settings were read again; changed: rate.maxMessages'],
    ['warn', 'These hold after a restart: server.port'],
    ['error', 'The settings were read again and have faults: those before stay'],
    ['error', 'a is wrong'],
    ['error', 'b is wrong'],
  ]);
});
