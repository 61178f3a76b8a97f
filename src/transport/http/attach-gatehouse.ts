import type { Server } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { AppConfig } from '../../config/index.js';
import { Connections } from '../connections/connections.js';
import { GatehouseWsAdapter } from '../websocket/gatehouse-ws.adapter.js';
import { WsUpgrades } from '../websocket/ws-upgrades.js';
import { Challenges } from './challenges.js';
import { HttpLane } from './http-lane.js';

/**
 * Serves MCP from a Nest application's own HTTP server: `/mcp`, `/sse` and `/message`, and WebSockets at `/ws`. Call it
 * between `NestFactory.create` and `listen`, after any `useWebSocketAdapter`: it sets an adapter for `ws`, which serves
 * the gateways of the application too.
 * @param app an application that imports `GatehouseModule`
 * @returns the same application
 * @see DESIGN D-16
 */
export function attachGatehouse<App extends INestApplication>(app: App): App {
  const server = app.getHttpServer() as Server;
  app.get(HttpLane, { strict: false }).attach(server);
  const adapter = new GatehouseWsAdapter({
    app,
    server,
    upgrades: app.get(WsUpgrades, { strict: false }),
    connections: app.get(Connections, { strict: false }),
    challenges: app.get(Challenges, { strict: false }),
    maxFrameBytes: app.get(AppConfig, { strict: false }).limits.maxBufferBytes,
  });
  app.useWebSocketAdapter(adapter);
  return app;
}
