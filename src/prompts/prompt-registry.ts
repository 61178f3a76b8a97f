import type { GetPromptResult } from '@modelcontextprotocol/sdk/types.js';
import { Injectable } from '@nestjs/common';
import { ProtocolError } from '../common/index.js';
import {
  type CallContext,
  CallGate,
  type CallScope,
  type Feature,
  FeatureRunner,
  FeatureScanner,
  featureTarget,
  type GateTarget,
} from '../tools/index.js';
import { toPromptResult } from './prompt-result.js';
import { PROMPT_METADATA, type PromptOptions } from './prompt.decorator.js';

export interface RegisteredPrompt {
  readonly name: string;
  readonly options: PromptOptions;
  readonly origin: string;
  readonly ordinal: number;
  readonly target: GateTarget;
  readonly run: (...args: unknown[]) => unknown;
}

/** The prompts there are, in a stable order. */
@Injectable()
export class PromptRegistry {
  private readonly prompts = new Map<string, RegisteredPrompt>();
  private changes = 0;

  constructor(
    private readonly scanner: FeatureScanner,
    private readonly gate: CallGate,
    private readonly runner: FeatureRunner,
  ) {}

  /** Grows with every change of what can be listed. */
  get version(): number {
    return this.changes;
  }

  all(): readonly RegisteredPrompt[] {
    return [...this.prompts.values()];
  }

  find(name: string): RegisteredPrompt | undefined {
    return this.prompts.get(name);
  }

  /** Finds the decorated methods. @returns everything that is wrong with any of them, a sentence each */
  load(): readonly string[] {
    const { features, faults } = this.scanner.scan<PromptOptions>(PROMPT_METADATA);
    this.changes += 1;
    return [...faults, ...features.flatMap((feature) => this.add(feature))];
  }

  /**
   * Fills in one prompt.
   * @throws ProtocolError unknown_prompt, invalid_params (a required argument is missing), and what the prompt throws
   * @see MCP 2025-11-25, server/prompts, "Getting a Prompt"
   */
  async get(name: string, args: Readonly<Record<string, string>>, scope: CallScope): Promise<GetPromptResult> {
    scope.args = args;
    const prompt = this.prompts.get(name);
    if (!prompt) {
      this.gate.denied(`prompt:${name}`, scope, 'unknown_prompt');
      throw unknownPrompt(name);
    }
    const fill = (context: CallContext): unknown => {
      requireArguments(prompt, args);
      return prompt.run(args, context);
    };
    const value = await this.runner.run(prompt.target, scope, fill, args);
    return toPromptResult(value, prompt.options.description);
  }

  private add(feature: Feature<PromptOptions>): readonly string[] {
    const { options, origin, methodName, run } = feature;
    const name = options.name ?? methodName;
    const other = this.prompts.get(name);
    if (other) return [`${origin}: prompt "${name}" is already defined by ${other.origin}`];
    const target = this.gate.target(featureTarget('prompt', name, options), () => unknownPrompt(name));
    this.prompts.set(name, { name, options, origin, ordinal: this.prompts.size, target, run });
    return [];
  }
}

function requireArguments(prompt: RegisteredPrompt, args: Readonly<Record<string, string>>): void {
  const missing = (prompt.options.arguments ?? []).filter(({ name, required }) => required && args[name] === undefined);
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(', ');
  throw new ProtocolError('invalid_params', `Prompt ${prompt.name} needs the arguments: ${names}`);
}

export function unknownPrompt(name: string): ProtocolError {
  return new ProtocolError('unknown_prompt', `Unknown prompt: ${name}`);
}
