import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, type INestApplicationContext, Logger, Module } from '@nestjs/common';
import { DiscoveryModule, DiscoveryService } from '@nestjs/core';
import { Test } from '@nestjs/testing';
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
  const server = GatehouseModule.forServer(AppConfig.of(), [], await EmbeddedState.open({ clock: new SystemClock() }));
  app = await Test.createTestingModule({ imports: [server, DiscoveryModule, More] }).compile();
  return app
    .get(DiscoveryService)
    .getControllers()
    .map(({ metatype }) => metatype as ControllerClass);
}

describe('the routes of the server', () => {
  it('each declare who may use them, and are behind the guard', async () => {
    const all = await controllers();
    expect(all.length).toBeGreaterThan(0);
    expect(undeclaredRoutes(all)).toEqual([]);
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
