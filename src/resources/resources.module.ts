import { Module } from '@nestjs/common';
import { ToolsModule } from '../tools/index.js';
import { ServerResources } from './builtin/server-resources.js';
import { ResourceRegistry } from './resource-registry.js';

@Module({
  imports: [ToolsModule],
  providers: [ResourceRegistry, ServerResources],
  exports: [ResourceRegistry],
})
export class ResourcesModule {}
