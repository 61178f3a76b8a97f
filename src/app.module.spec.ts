import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, type INestApplicationContext, Logger, Module, RequestMethod } from '@nestjs/common';
import { METHOD_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { withoutThrottler } from '../test/support/without-throttler.js';
import { CHANGE } from './admin/rest/changes.decorator.js';
import { GatehouseModule } from './app.module.js';
import { undeclaredRoutes } from './auth/guards/undeclared-routes.js';
import { SystemClock } from './common/index.js';
import { AppConfig } from './config/index.js';
import { EmbeddedState } from './store/index.js';

type ControllerClass = Parameters<typeof undeclaredRoutes>[0][number];

let app: INestApplicationContext | undefined;

afterEach(async () => {
  await app?.close();
  app = undefined;
  jest.restoreAllMocks();
});

/** The controllers of the whole server, as Nest found them. */
async function controllers(...more: ControllerClass[]): Promise<ControllerClass[]> {
  for (const level of ['log', 'warn'] as const) jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
  @Module({ controllers: more as never[] })
  class More {}
  withoutThrottler();
  // Prometheus' module is CommonJS that requires Nest, as the throttler is.
  const config = AppConfig.of({ server: { transports: ['http'] }, metrics: { prometheusEnabled: false } });
  const server = GatehouseModule.forServer(config, [], await EmbeddedState.open({ clock: new SystemClock() }));
  app = await Test.createTestingModule({ imports: [server, DiscoveryModule, More] }).compile();
  return app
    .get(DiscoveryService)
    .getControllers()
    .map(({ metatype }) => metatype as ControllerClass);
}

describe('the routes of the server', () => {
  it('each declare who may use them, and are behind the guard', async () => {
    const all = await controllers();
    expect(all.length).toBeGreaterThan(15);
    expect(undeclaredRoutes(all)).toEqual([]);
  });

  it('each say what they change, where they change anything, for the record', async () => {
    const silent = (await controllers()).flatMap((type) =>
      Object.getOwnPropertyNames(type.prototype).flatMap((name) => {
        const handler = (type.prototype as Record<string, unknown>)[name];
        if (typeof handler !== 'function') return [];
        const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
        const isReading = method === undefined || method === RequestMethod.GET;
        return isReading || Reflect.hasMetadata(CHANGE, handler) ? [] : [`${type.name}.${name}`];
      }),
    );
    // A call is recorded by the gate, a question changes nothing, and a ticket is for whoever asks.
    expect(silent.sort()).toEqual([
      'ExplainController.askWith',
      'TicketsController.issue',
      'ToolExecuteController.execute',
    ]);
  });

  it('are walked: one that declares nothing is found', async () => {
    @Controller('forgotten')
    class Forgotten {
      @Get()
      route(): void {}
    }
    expect(undeclaredRoutes(await controllers(Forgotten))).toEqual(['Forgotten.route']);
  });
});
