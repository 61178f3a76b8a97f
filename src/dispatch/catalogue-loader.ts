import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EXIT, StartError } from '../common/index.js';
import { CompletionRegistry, PromptRegistry } from '../prompts/index.js';
import { ResourceRegistry } from '../resources/index.js';
import { ToolScanner } from '../tools/index.js';

/** Fills every registry when all providers exist; one message then lists every fault of any tool, resource or prompt. */
@Injectable()
export class CatalogueLoader implements OnModuleInit {
  constructor(
    private readonly tools: ToolScanner,
    private readonly resources: ResourceRegistry,
    private readonly prompts: PromptRegistry,
    private readonly completions: CompletionRegistry,
  ) {}

  /** @throws StartError naming every fault */
  onModuleInit(): void {
    const faults = [...this.tools.load(), ...this.resources.load(), ...this.prompts.load(), ...this.completions.load()];
    if (faults.length > 0) throw new StartError('The server cannot start: its tools have faults.', faults, EXIT.config);
  }
}
