import type { CompleteResult } from '@modelcontextprotocol/sdk/types.js';
import { Injectable } from '@nestjs/common';
import { ProtocolError } from '../common/index.js';
import { ResourceRegistry } from '../resources/index.js';
import { type CallScope, type Feature, FeatureRunner, FeatureScanner, type GateTarget } from '../tools/index.js';
import { COMPLETION_METADATA, type CompletionOptions } from './prompt.decorator.js';
import { PromptRegistry, unknownPrompt } from './prompt-registry.js';

/** Values that one answer holds at most. @see MCP 2025-11-25, server/utilities/completion, "Completion Results" */
const MAX_VALUES = 100;

/** What is to be completed, as clients name it. */
export type CompletionReference =
  { readonly type: 'ref/prompt'; readonly name: string } | { readonly type: 'ref/resource'; readonly uri: string };

/** One question: the argument, what was typed of it, and the arguments resolved before. */
export interface CompletionQuestion {
  readonly ref: CompletionReference;
  readonly argument: { readonly name: string; readonly value: string };
  readonly resolved: Readonly<Record<string, string>>;
}

/** Completes arguments of prompts and variables of resource templates, where an author wrote how. */
@Injectable()
export class CompletionRegistry {
  private readonly completions = new Map<string, Feature<CompletionOptions>>();

  constructor(
    private readonly scanner: FeatureScanner,
    private readonly runner: FeatureRunner,
    private readonly prompts: PromptRegistry,
    private readonly resources: ResourceRegistry,
  ) {}

  /** Finds the decorated methods. @returns everything that is wrong with any of them, a sentence each */
  load(): readonly string[] {
    const { features, faults } = this.scanner.scan<CompletionOptions>(COMPLETION_METADATA);
    return [...faults, ...features.flatMap((feature) => this.add(feature))];
  }

  /**
   * @returns no values where nobody wrote a completion
   * @throws ProtocolError unknown_prompt, resource_not_found
   */
  async complete(question: CompletionQuestion, scope: CallScope): Promise<CompleteResult> {
    const { ref, argument, resolved } = question;
    scope.args = { argument };
    const target = this.targetOf(ref);
    const name = ref.type === 'ref/prompt' ? ref.name : ref.uri;
    const completion = this.completions.get(key(ref.type, name, argument.name));
    const values = await this.runner.run(target, scope, (context) =>
      completion ? (completion.run(argument.value, context, resolved) as string[]) : [],
    );
    const completed = {
      values: values.slice(0, MAX_VALUES),
      total: values.length,
      hasMore: values.length > MAX_VALUES,
    };
    return { completion: completed };
  }

  private targetOf(ref: CompletionReference): GateTarget {
    if (ref.type === 'ref/prompt') {
      const prompt = this.prompts.find(ref.name);
      if (!prompt) throw unknownPrompt(ref.name);
      return prompt.target;
    }
    const resource =
      this.resources.templates().find(({ options }) => options.uriTemplate === ref.uri) ??
      this.resources.resources().find(({ options }) => options.uri === ref.uri);
    if (!resource) {
      throw new ProtocolError('resource_not_found', `Resource not found: ${ref.uri}`, { data: { uri: ref.uri } });
    }
    return resource.target;
  }

  private add(feature: Feature<CompletionOptions>): readonly string[] {
    const { options, origin } = feature;
    const isPrompt = 'prompt' in options;
    const name = isPrompt ? options.prompt : options.resourceTemplate;
    const entry = key(isPrompt ? 'ref/prompt' : 'ref/resource', name, options.argument);
    const other = this.completions.get(entry);
    if (other) return [`${origin}: "${options.argument}" of "${name}" is already completed by ${other.origin}`];
    const isKnown = isPrompt
      ? this.prompts.find(name) !== undefined
      : this.resources.templates().some((template) => template.options.uriTemplate === name);
    if (!isKnown)
      return [`${origin}: it completes ${isPrompt ? 'prompt' : 'resource template'} "${name}", which does not exist`];
    this.completions.set(entry, feature);
    return [];
  }
}

function key(type: CompletionReference['type'], name: string, argument: string): string {
  return `${type}\n${name}\n${argument}`;
}
