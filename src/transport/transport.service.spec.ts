import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { DispatchWorld } from '../../test/support/dispatch-world.js';
import { OPERATOR } from '../../test/support/tool-world.js';
import { Lifecycle } from '../common/index.js';
import type { TransportName } from '../config/settings/server.settings.js';
import { Announcements, RunningWork } from '../dispatch/index.js';
import { type Door, Doors } from './door.js';
import { HttpDoor } from './http/http-door.js';
import { OpenExchanges } from './http/open-exchanges.js';
import { TransportModule } from './transport.module.js';
import { TransportService } from './transport.service.js';

let world: DispatchWorld | undefined;
let logged: unknown[];

beforeEach(() => {
  logged = [];
  for (const level of ['log', 'debug', 'warn', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockImplementation((message: unknown) => void logged.push(message));
});

afterEach(async () => {
  await world?.close();
  jest.restoreAllMocks();
  world = undefined;
});

const open = async (transports: TransportName[] = ['stdio']): Promise<DispatchWorld> =>
  (world = await DispatchWorld.open({
    settings: { server: { transports, shutdownGraceSec: 0 } },
    imports: [TransportModule],
  }));

/** A door that writes down the steps of its end. */
function door(steps: string[], drain: () => Promise<void> = () => Promise.resolve()): Door {
  const step = (name: string) => (): void => void steps.push(name);
  const drained = async (): Promise<void> => {
    steps.push('drain');
    await drain();
  };
  return {
    name: 'tcp',
    connectionCount: 3,
    stopAccepting: step('stop accepting'),
    drain: drained,
    close: step('close'),
  };
}

const NEVER = (): Promise<void> => new Promise(() => undefined);

describe('TransportService', () => {
  it.each(['http', 'websocket', 'sse'] as const)(
    'D-16 refuses to start %s without a server, and says what to do',
    async (name) => {
      await expect(open([name])).rejects.toThrow(
        'GatehouseModule has no HTTP server: call attachGatehouse(app) before app.listen().',
      );
    },
  );

  it('S4-34 is ready once it has started, and not from the beginning of its end', async () => {
    const lifecycle = (await open()).get(Lifecycle);
    expect([lifecycle.phase, lifecycle.isReady]).toEqual(['ready', true]);
    const draining = world?.get(TransportService).drain(1_000);
    expect([lifecycle.isReady, lifecycle.isStopping]).toEqual([false, true]);
    lifecycle.started();
    expect(lifecycle.phase).toBe('stopping');
    await draining;
  });

  it('K-36 ends every door in three steps, tells whoever listens, and writes down how many were there', async () => {
    const opened = await open();
    const [steps, end] = [[] as string[], jest.fn()];
    opened.get(Doors).register(door(steps));
    opened.get(Announcements).listen({ principal: OPERATOR, wants: () => true, hear: () => undefined, end });
    await opened.get(TransportService).drain(1_000);
    expect(steps).toEqual(['stop accepting', 'drain', 'close']);
    expect(end).toHaveBeenCalledTimes(1);
    expect(opened.security.events).toContainEqual({ event: 'server_shutdown', details: { activeConnections: 3 } });
    // The application ends after that: nothing is ended twice.
    await opened.close();
    world = undefined;
    expect(steps).toHaveLength(3);
  });

  it('K-36 waits for doors and for calls, and no longer than its grace but for what ending them takes', async () => {
    const opened = await open();
    const steps: string[] = [];
    let count = 1;
    jest.spyOn(opened.get(RunningWork), 'count', 'get').mockImplementation(() => count);
    const abort = jest.spyOn(opened.get(RunningWork), 'abortAll').mockReturnValue(undefined);
    opened.get(Doors).register(door(steps, NEVER));
    await opened.get(TransportService).drain(0);
    expect(steps).toEqual(['stop accepting', 'drain', 'close']);
    expect(abort).toHaveBeenCalledTimes(1);
    expect(logged).toContain('Stopping: 1 calls did not finish in time, and are ended');
    count = 0;
  });

  it('K-36 ends nothing early that finishes in time', async () => {
    const opened = await open();
    const abort = jest.spyOn(opened.get(RunningWork), 'abortAll');
    const running = jest.spyOn(opened.get(RunningWork), 'count', 'get').mockReturnValue(1);
    const isOver = jest.fn();
    const draining = opened.get(TransportService).drain(60_000).then(isOver);
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect(isOver).not.toHaveBeenCalled();
    // It looks again every 20 ms, by the clock of the machine.
    running.mockReturnValue(0);
    await draining;
    expect(abort).not.toHaveBeenCalled();
  });

  it('one door that fails at its end does not keep the others from theirs', async () => {
    const opened = await open();
    const steps: string[] = [];
    const broken = door([], () => Promise.reject(new Error('stuck')));
    opened.get(Doors).register({ ...broken, close: () => Promise.reject(new Error('jammed')) });
    opened.get(Doors).register(door(steps));
    await opened.get(TransportService).drain(1_000);
    expect(steps).toEqual(['stop accepting', 'drain', 'close']);
    expect(logged.filter((line) => line === 'The tcp door did not end in order')).toHaveLength(2);
  });
});

describe('HttpDoor', () => {
  it('K-36 waits until the last answer is out, or nobody is left to wait for', async () => {
    const opened = await open();
    const http = opened.get(HttpDoor);
    const running = jest.spyOn(opened.get(OpenExchanges), 'runningCount', 'get').mockReturnValue(1);
    const isOver = jest.fn();
    const draining = http.drain().then(isOver);
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect(isOver).not.toHaveBeenCalled();
    running.mockReturnValue(0);
    await draining;
    running.mockReturnValue(1);
    const cut = http.drain();
    http.close();
    await cut;
  });
});
