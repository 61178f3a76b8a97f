import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/index.js';
import { AuthModule } from '../auth/index.js';
import { LimitsModule } from '../limits/index.js';
import { PromptsModule } from '../prompts/index.js';
import { ResourcesModule } from '../resources/index.js';
import { SessionModule } from '../session/index.js';
import { ToolsModule } from '../tools/index.js';
import { CatalogueLoader } from './catalogue-loader.js';
import { Cursors } from './cursors.js';
import { Dispatcher, METHOD_HANDLERS } from './dispatcher.js';
import type { MethodHandler } from './method-handler.js';
import { CompletionHandler } from './methods/completion.handler.js';
import { InitializeHandler } from './methods/initialize.handler.js';
import { PromptsHandler } from './methods/prompts.handler.js';
import { ResourcesHandler } from './methods/resources.handler.js';
import { SessionHandler } from './methods/session.handler.js';
import { ToolsHandler } from './methods/tools.handler.js';
import { Pages } from './pages.js';

const HANDLERS = [ToolsHandler, ResourcesHandler, PromptsHandler, CompletionHandler, SessionHandler];

@Module({
  imports: [AuditModule, AuthModule, LimitsModule, SessionModule, ToolsModule, ResourcesModule, PromptsModule],
  providers: [
    CatalogueLoader,
    Cursors,
    Dispatcher,
    InitializeHandler,
    Pages,
    ...HANDLERS,
    {
      provide: METHOD_HANDLERS,
      inject: HANDLERS,
      useFactory: (...handlers: MethodHandler[]): MethodHandler[] => handlers,
    },
  ],
  exports: [Dispatcher],
})
export class DispatchModule {}
