import { Module } from '@nestjs/common';
import { AuditModule } from '../../audit/index.js';
import { DispatchModule } from '../../dispatch/index.js';
import { LimitsModule } from '../../limits/index.js';
import { ToolsModule } from '../../tools/index.js';
import { TransportModule } from '../../transport/index.js';
import { DocsController } from '../docs/docs.controller.js';
import { OpenApiDocument } from '../docs/open-api-document.js';
import { MetricsReportModule } from '../metrics/metrics-http.module.js';
import { ConfigController } from './config.controller.js';
import { EventsController } from './events.controller.js';
import { EventsFeed } from './events-feed.js';
import { RootController } from './root.controller.js';
import { StatusController } from './status.controller.js';
import { TicketsController } from './tickets.controller.js';
import { ToolDoor } from './tool-door.js';
import { ToolExecuteController } from './tool-execute.controller.js';
import { ToolListController } from './tool-list.controller.js';
import { ToolSwitchController } from './tool-switch.controller.js';

/** What stands at the root of a server of our own; a host application has routes of its own there. */
@Module({
  imports: [AuditModule, DispatchModule, LimitsModule, MetricsReportModule, ToolsModule, TransportModule],
  controllers: [
    RootController,
    StatusController,
    ConfigController,
    EventsController,
    ToolListController,
    ToolExecuteController,
    ToolSwitchController,
    TicketsController,
    DocsController,
  ],
  providers: [EventsFeed, OpenApiDocument, ToolDoor],
})
export class SeedModule {}
