import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { TOKEN } from '../../test/support/auth-world.js';
import { DispatchWorld } from '../../test/support/dispatch-world.js';
import { EXIT, StartError } from '../common/index.js';
import { AppConfig, type ConfigOverrides } from '../config/index.js';
import { Authenticator } from './authenticator.js';
import { assertSomebodyMayCome } from './credential-sources.js';
import { ApiKeys } from './keys/api-keys.js';
import { newKeyToken } from './keys/key-token.js';

afterEach(() => {
  jest.restoreAllMocks();
});

describe('AuthModule', () => {
  it('wires one chain: a key that is made is let in by the authenticator of the doors', async () => {
    jest.spyOn(Logger.prototype, 'debug').mockReturnValue(undefined);
    const world = await DispatchWorld.open({ settings: { auth: { enabled: true } } });
    const { token } = await world.get(ApiKeys).create({ name: 'ci', roles: ['viewer'] }, 'spec');
    const authenticator = world.get(Authenticator);
    expect(authenticator.isRequired).toBe(true);
    expect(await authenticator.authenticate({ authorization: `Bearer ${token}`, door: 'http' })).toMatchObject({
      subject: 'ci',
    });
    await world.close();
  });
});

describe('assertSomebodyMayCome', () => {
  const HTTP = { transports: ['http'] } as const;
  const check = (settings: ConfigOverrides, hasKey = false): StartError | undefined => {
    try {
      assertSomebodyMayCome(AppConfig.of(settings), hasKey);
      return undefined;
    } catch (error) {
      if (error instanceof StartError) return error;
      throw error;
    }
  };

  it('K-4 ends a start that would let in nobody, and says how to make the first key', () => {
    const open = check({ server: { ...HTTP, host: '0.0.0.0' } });
    expect(open?.exitCode).toBe(EXIT.config);
    expect(open?.message).toContain('The host 0.0.0.0 is not loopback');
    expect(open?.message).toContain('gatehouse keys create');
    expect(open?.message).toContain('--allow-unauthenticated');
    expect(check({ server: HTTP, auth: { enabled: true } })?.message).toContain('leave MCP_AUTH_ENABLED out');
  });

  it.each<[string, ConfigOverrides, boolean]>([
    ['there is a key', { server: { ...HTTP, host: '0.0.0.0' } }, true],
    ['there is a token', { server: { ...HTTP, host: '0.0.0.0' }, auth: { tokens: `a:viewer:${TOKEN}` } }, false],
    ['nobody has to prove anything', { server: HTTP }, false],
    ['there is stdio alone', { auth: { enabled: true } }, false],
    [
      'a certificate says who',
      { server: HTTP, auth: { certificateRoles: '*=viewer' }, tls: { clientCa: 'ca.crt' } },
      false,
    ],
  ])('K-4 lets it start where %s', (_when, settings, hasKey) => {
    expect(check(settings, hasKey)).toBeUndefined();
  });

  it('takes the keys of the settings for keys', async () => {
    const { hash, token } = newKeyToken('ci');
    const world = await DispatchWorld.open({ settings: { auth: { apiKeys: `ci:${hash}:viewer`, enabled: true } } });
    const principal = await world.get(Authenticator).authenticate({ authorization: `Bearer ${token}` });
    expect(principal).toMatchObject({ subject: 'ci', roles: ['viewer'] });
    await world.close();
  });
});
