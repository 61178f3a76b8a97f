import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { GatehouseModule } from 'mcp-gatehouse';
import { ApiKeyGuard } from './api-key.guard.js';
import { OrdersController } from './orders.controller.js';
import { OrdersService } from './orders.service.js';
import { OrdersTools } from './orders.tools.js';

export const PORT = Number(process.env['PORT'] ?? 3000);

@Module({
  // The port is only told here, for the name of the state folder: the application listens by itself.
  imports: [GatehouseModule.forRoot({ settings: { server: { name: 'orders', port: PORT } } })],
  controllers: [OrdersController],
  providers: [OrdersService, OrdersTools, { provide: APP_GUARD, useClass: ApiKeyGuard }],
})
export class AppModule {}
