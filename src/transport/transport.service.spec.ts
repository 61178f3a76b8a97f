import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DispatchWorld } from '../../test/support/dispatch-world.js';
import type { TransportName } from '../config/settings/server.settings.js';
import { Announcements } from '../dispatch/index.js';
import { Connections } from './connections/connections.js';
import { OPERATOR } from '../../test/support/tool-world.js';
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

const open = async (transports: TransportName[] = ['stdio']): Promise<DispatchWorld> =>
  (world = await DispatchWorld.open({ settings: { server: { transports } }, imports: [TransportModule] }));

describe('TransportService', () => {
  it.each(['http', 'websocket', 'sse'] as const)(
    'D-16 refuses to start %s without a server, and says what to do',
    async (name) => {
      await expect(open([name])).rejects.toThrow(
        'GatehouseModule has no HTTP server: call attachGatehouse(app) before app.listen().',
      );
    },
  );

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
    expect(world?.security.names).toEqual(['server_shutdown']);
    const running = jest.spyOn(opened.get(OpenExchanges), 'runningCount', 'get').mockReturnValue(1);
    jest.spyOn(opened.get(Connections), 'runningCount', 'get').mockReturnValue(0);
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
