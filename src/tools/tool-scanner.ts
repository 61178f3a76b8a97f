import { Injectable } from '@nestjs/common';
import { isDtoClass } from './schema/dto-json-schema.js';
import { Enhancers } from './enhancers.js';
import { type Feature, FeatureScanner } from './feature-scanner.js';
import type { ToolContext } from './tool-context.js';
import { TOOL_METADATA } from './tool.decorator.js';
import type { ToolSourceEntry } from './tool-definition.js';
import type { DefinedTool, ToolOptions } from './tool-options.js';
import { ToolRegistry } from './tool-registry.js';

/** Tools defined without decorators, with the place they came from. */
export abstract class DefinedTools {
  abstract readonly tools: readonly { readonly tool: DefinedTool; readonly origin: string }[];
}

/** What a tool without a class runs on. */
class DefinedToolHost {
  constructor(private readonly work: ToolSourceEntry['run']) {}

  run(args: unknown, context: ToolContext): unknown {
    return this.work(args, context);
  }
}

/** Fills the registry at start: decorated methods first, then defined tools. */
@Injectable()
export class ToolScanner {
  constructor(
    private readonly scanner: FeatureScanner,
    private readonly registry: ToolRegistry,
    private readonly defined: DefinedTools,
    private readonly enhancers: Enhancers,
  ) {}

  /** @returns everything that is wrong with any tool, a sentence each */
  load(): readonly string[] {
    const { features, faults } = this.scanner.scan<ToolOptions>(TOOL_METADATA);
    const entries = [...features.map(fromMethod), ...this.defined.tools.map((defined) => this.fromDefinition(defined))];
    return [...faults, ...entries.flatMap((entry) => this.registry.add(entry)), ...this.unknownNames()];
  }

  /** A tool without a class has a host of its own, so that enhancers set for everything run on it too. */
  private fromDefinition({ tool, origin }: DefinedTools['tools'][number]): ToolSourceEntry {
    const { run, ...options } = tool;
    return { options, origin, run: this.enhancers.wrap(new DefinedToolHost(run as ToolSourceEntry['run']), 'run') };
  }

  private unknownNames(): readonly string[] {
    const valid = this.registry.all().map((tool) => tool.name);
    return this.registry
      .unknownNames()
      .map((name) => `there is no tool "${name}" to include or exclude; valid names: ${valid.join(', ')}`);
  }
}

function fromMethod(feature: Feature<ToolOptions>): ToolSourceEntry {
  const { options, methodName, origin, run, firstParameter } = feature;
  const inferred = isDtoClass(firstParameter) ? { input: firstParameter } : {};
  return { options: { name: methodName, ...inferred, ...options }, origin, run };
}
