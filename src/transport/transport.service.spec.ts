import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createServer } from 'node:http';
import { type INestApplication, Logger } from '@nestjs/common';
import { DispatchWorld } from '../../test/support/dispatch-world.js';
import { Announcements } from '../dispatch/index.js';
import { OPERATOR } from '../../test/support/tool-world.js';
import { attachGatehouse } from './http/attach-gatehouse.js';
import { HttpLane } from './http/http-lane.js';
import { OpenExchanges } from './http/open-exchanges.js';
import { TransportModule } from './transport.module.js';
import { TransportService } from './transport.service.js';

let world: DispatchWorld | undefined;

beforeEach(() => {
  for (const level of ['log', 'debug', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
});

afterEach(async () => {
  await world?.close();
  jest.restoreAllMocks();
  world = undefined;
});

const open = async (transports: ('stdio' | 'http')[] = ['stdio']): Promise<DispatchWorld> =>
  (world = await DispatchWorld.open({ settings: { server: { transports } }, imports: [TransportModule] }));

describe('TransportService', () => {
  it('D-16 refuses to start over HTTP without a server, and says what to do', async () => {
    await expect(open(['http'])).rejects.toThrow(
      'GatehouseModule has no HTTP server: call attachGatehouse(app) before app.listen().',
    );
  });

  it('starts on stdio without one', async () => {
    await expect(open()).resolves.toBeDefined();
  });

  it('K-36 takes no more work, tells whoever listens, and waits for what runs, within its grace', async () => {
    const opened = await open();
    const service = opened.get(TransportService);
    const [close, end] = [jest.spyOn(opened.get(HttpLane), 'close'), jest.fn()];
    opened.get(Announcements).listen({ principal: OPERATOR, wants: () => true, hear: () => undefined, end });
    await service.drain(1_000);
    expect([close.mock.calls.length, end.mock.calls.length]).toEqual([1, 1]);
    const running = jest.spyOn(opened.get(OpenExchanges), 'runningCount', 'get').mockReturnValue(1);
    await service.drain(0);
    // It looks again every 20 ms, by the clock of the machine.
    const isOver = jest.fn();
    const draining = service.drain(1_000).then(isOver);
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect(isOver).not.toHaveBeenCalled();
    running.mockReturnValue(0);
    await draining;
  });
});

describe('attachGatehouse', () => {
  it('D-16 puts the lane before the server of an application, and gives the application back', async () => {
    const lane = (await open()).get(HttpLane);
    const server = createServer();
    const app = { get: () => lane, getHttpServer: () => server } as unknown as INestApplication;
    expect(attachGatehouse(app)).toBe(app);
    expect([lane.isAttached, server.listenerCount('request')]).toEqual([true, 1]);
  });
});
