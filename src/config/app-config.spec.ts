import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { REDACTED, StartError } from '../common/index.js';
import { AppConfig, type ConfigOverrides } from './app-config.js';
import { ConfigModule } from './config.module.js';
import { SETTINGS } from './schema.js';

const KEYS = `k1:${Buffer.alloc(32, 1).toString('base64')}`;

/** Overrides as plain JavaScript may pass them. */
const untyped = (overrides: unknown): ConfigOverrides => overrides as ConfigOverrides;

function faultsOf(overrides: unknown): readonly string[] {
  try {
    AppConfig.of(untyped(overrides));
  } catch (error) {
    if (error instanceof StartError) return error.faults;
    throw error;
  }
  return [];
}

describe('AppConfig.of', () => {
  it('gives every setting its default', () => {
    const config = AppConfig.of();
    expect(config.server).toMatchObject({ transports: ['stdio'], host: '127.0.0.1', port: 8080 });
    expect(config.sessions).not.toHaveProperty('keys');
    expect(config.describe().map(({ key }) => key)).toEqual(SETTINGS.map(({ key }) => key));
    expect(new Set(config.describe().map(({ source }) => source))).toEqual(new Set(['default']));
    expect(config.warnings).toEqual([]);
  });

  it('takes nested overrides, with the source options', () => {
    const config = AppConfig.of({
      server: { port: 0 },
      tools: { exclude: ['run_command'] },
      toolOverrides: { 'net.ping': { timeoutSec: 5 } },
    });
    expect(config.server).toMatchObject({ port: 0, host: '127.0.0.1' });
    expect(config.tools.exclude).toEqual(['run_command']);
    expect(config.toolOverrides.get('NET_PING')).toEqual({ timeoutSec: 5 });
    expect(config.describe().find(({ key }) => key === 'server.port')).toEqual({
      key: 'server.port',
      env: 'MCP_SERVER_PORT',
      flag: 'port',
      value: 0,
      source: 'options',
    });
    expect(config.describe().find(({ env }) => env === 'TOOL_NET_PING_TIMEOUT')).toMatchObject({
      value: 5,
      source: 'options',
    });
  });

  it('K-24 judges them as any other source', () => {
    expect(faultsOf({ server: { port: 70_000, host: 'a b' }, nonsense: 1, logging: { level: {} } })).toEqual([
      expect.stringMatching(/^nonsense is not a setting; the nearest is /),
      'server.host must be an IP address or a host name, not "a b"',
      'server.port must be a whole number from 0 to 65535, not 70000',
      'logging.level must be one of: debug, info, warn, error, fatal, not a value of type object',
    ]);
    expect(faultsOf({ server: { transports: ['http'], host: '0.0.0.0' }, auth: { enabled: false } })).toHaveLength(1);
    expect(AppConfig.of({ rate: { maxMessages: 0 } }).rate.maxMessages).toBe(1);
  });

  it.each([[null], [[]], ['x'], [{ server: 5 }], [{ server: [] }], [{ __proto__: null, constructor: {} }]])(
    'ends in a StartError or a configuration for %j',
    (overrides) => {
      expect(() => faultsOf(overrides)).not.toThrow();
    },
  );

  it('does not take the caller’s arrays over', () => {
    const include = ['echo'];
    const config = AppConfig.of({ tools: { include } });
    include.push('run_command');
    expect(config.tools.include).toEqual(['echo']);
  });
});

describe('AppConfig', () => {
  it('is frozen all the way down', () => {
    const config = AppConfig.of({ toolOverrides: { echo: { concurrency: 1 } } });
    const frozen: unknown[] = [config, config.server, config.server.transports, config.warnings, config.describe()];
    frozen.push(config.describe()[0], config.toolOverrides, config.toolOverrides.get('ECHO'));
    expect(frozen.map((value) => Object.isFrozen(value))).toEqual(frozen.map(() => true));
    const map = config.toolOverrides as Map<string, unknown>;
    expect(() => map.set('X', {})).toThrow(TypeError);
    expect(() => map.delete('ECHO')).toThrow(TypeError);
    expect(() => map.clear()).toThrow(TypeError);
    expect([...map.keys()]).toEqual(['ECHO']);
  });

  it('does not freeze the defaults of the schema', () => {
    const before = AppConfig.of().server.transports;
    expect(before).not.toBe(SETTINGS[0]?.default);
  });

  it('W-37 shows no secret, neither described nor in a fault', () => {
    const config = AppConfig.of({ sessions: { keys: KEYS } });
    expect(config.sessions.keys).toBe(KEYS);
    expect(config.describe().find(({ key }) => key === 'sessions.keys')?.value).toBe(REDACTED);
    for (const keys of ['hunter2', ['hunter2'], { hunter2: 1 }, { 'k1:hunter2': null }, 'k1:hunter2']) {
      const faults = faultsOf({ sessions: { keys } });
      expect(faults).toEqual([expect.stringMatching(/^sessions.keys must be a comma separated list of kid:base64/)]);
      expect(faults.join()).not.toContain('hunter2');
    }
  });

  it('W-37 hides the password of a URL in a fault', () => {
    expect(faultsOf({ server: { publicUrl: 'https://me:hunter2@a.com' } }).join()).toMatch(
      /not "https:\/\/\*\*\*@a.com"/,
    );
  });
});

describe('ConfigModule', () => {
  @Injectable()
  class Reader {
    constructor(readonly config: AppConfig) {}
  }

  it('gives AppConfig to every module', async () => {
    const config = AppConfig.of();
    const ref = await Test.createTestingModule({
      imports: [ConfigModule.forRoot(config)],
      providers: [Reader],
    }).compile();
    expect(ref.get(Reader).config).toBe(config);
  });
});
