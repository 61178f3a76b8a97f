import type { Server } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { HttpLane } from './http-lane.js';

/**
 * Serves MCP from a Nest application's own HTTP server, at `/mcp`. Call it between `NestFactory.create` and `listen`.
 * @param app an application that imports `GatehouseModule`
 * @returns the same application
 * @see DESIGN D-16
 */
export function attachGatehouse<App extends INestApplication>(app: App): App {
  app.get(HttpLane, { strict: false }).attach(app.getHttpServer() as Server);
  return app;
}
