import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Global, Logger, Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { FakeClock } from '../../test/support/fake-clock.js';
import { Clock } from '../common/index.js';
import { AppConfig, ConfigModule } from '../config/index.js';
import { MetricsModule } from '../metrics/index.js';
import { StoreModule } from '../store/index.js';
import { Sealer, SessionModule, SessionService } from './index.js';
import { SessionSweeper } from './session-sweeper.js';

@Global()
@Module({ providers: [{ provide: Clock, useClass: FakeClock }], exports: [Clock] })
class ClockModule {}

const PRINCIPAL = { issuer: 'i', subject: 's', roles: [], isAuthenticated: true };

describe('SessionModule', () => {
  afterEach(() => {
    jest.useRealTimers();
    jest.restoreAllMocks();
    Logger.overrideLogger(undefined as never);
  });

  const start = async (): Promise<TestingModule> => {
    const config = ConfigModule.forRoot(AppConfig.of({ server: { transports: ['stdio'] } }));
    const imports = [config, ClockModule, MetricsModule, StoreModule.forRoot(), SessionModule];
    return (await Test.createTestingModule({ imports }).compile()).init();
  };

  it('serves sessions and seals over the stores of the process', async () => {
    const app = await start();
    const sessions = app.get(SessionService);
    const session = sessions.open({ principal: PRINCIPAL, revision: '2025-06-18', capabilities: {}, sealed: true });
    expect(await sessions.find(session.id as string, PRINCIPAL)).toBe(session);
    expect(app.get(Sealer).open('session', session.id as string)).toBeDefined();
    await app.close();
    expect(session.isEnded).toBe(true);
  });

  it('sweeps by one timer, which outlives a failed sweep and ends with the application', async () => {
    jest.useFakeTimers();
    Logger.overrideLogger(false);
    const app = await start();
    const sweep = jest
      .spyOn(app.get(SessionService), 'sweep')
      .mockRejectedValueOnce(new Error('broken'))
      .mockRejectedValueOnce('text');
    const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    expect(app.get(SessionSweeper)).toBeDefined();
    await jest.advanceTimersByTimeAsync(180_000);
    expect(sweep).toHaveBeenCalledTimes(3);
    expect(error.mock.calls).toEqual([
      ['A sweep failed', expect.stringContaining('broken')],
      ['A sweep failed', 'text'],
    ]);
    await app.close();
    await jest.advanceTimersByTimeAsync(180_000);
    expect(sweep).toHaveBeenCalledTimes(3);
  });
});
