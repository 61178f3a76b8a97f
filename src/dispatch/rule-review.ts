import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { LiveRoles, type PolicyTarget, rulesNamingNothing } from '../auth/index.js';
import { PromptRegistry } from '../prompts/index.js';
import { ResourceRegistry } from '../resources/index.js';
import { ToolRegistry } from '../tools/index.js';

/** Warns of rules that name nothing there is: a slip of the pen in a deny rule leaves open what it should shut. */
@Injectable()
export class RuleReview implements OnApplicationBootstrap {
  private readonly logger = new Logger('Roles');

  constructor(
    private readonly roles: LiveRoles,
    private readonly tools: ToolRegistry,
    private readonly resources: ResourceRegistry,
    private readonly prompts: PromptRegistry,
  ) {}

  onApplicationBootstrap(): void {
    this.review();
    this.roles.onChange(() => this.review());
  }

  private review(): void {
    for (const { id, place } of rulesNamingNothing(this.roles.book, this.targets())) {
      this.logger.warn(`Rule ${id} (${place}) names no tool, resource or prompt that there is`);
    }
  }

  private targets(): readonly PolicyTarget[] {
    return [
      ...this.tools.all(),
      ...this.resources.resources(),
      ...this.resources.templates(),
      ...this.prompts.all(),
    ].map(({ target }) => target);
  }
}
