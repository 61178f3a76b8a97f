import { Injectable } from '@nestjs/common';
import { PromptRegistry } from '../../prompts/index.js';
import { ResourceRegistry } from '../../resources/index.js';
import type { GateTarget } from '../../tools/index.js';

/** Resources and prompts by their label. */
@Injectable()
export class FeatureTargets {
  constructor(
    private readonly resources: ResourceRegistry,
    private readonly prompts: PromptRegistry,
  ) {}

  /** @param label `resource:server://info`, `prompt:server-overview` */
  find(label: string): GateTarget | undefined {
    const name = label.slice(label.indexOf(':') + 1);
    if (label.startsWith('prompt:')) return this.prompts.find(name)?.target;
    return label.startsWith('resource:') ? this.resources.targetOf(name) : undefined;
  }
}
