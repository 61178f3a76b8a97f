import { Module } from '@nestjs/common';
import { ResourcesModule } from '../resources/index.js';
import { ToolsModule } from '../tools/index.js';
import { ServerOverviewPrompt } from './builtin/server-overview.prompt.js';
import { CompletionRegistry } from './completion-registry.js';
import { PromptRegistry } from './prompt-registry.js';

@Module({
  imports: [ToolsModule, ResourcesModule],
  providers: [PromptRegistry, CompletionRegistry, ServerOverviewPrompt],
  exports: [PromptRegistry, CompletionRegistry],
})
export class PromptsModule {}
