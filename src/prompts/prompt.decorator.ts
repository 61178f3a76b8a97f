import type { FeatureOptions } from '../tools/index.js';

export const PROMPT_METADATA = Symbol.for('mcp-gatehouse.prompt');
export const COMPLETION_METADATA = Symbol.for('mcp-gatehouse.completion');

export interface PromptArgument {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly required?: boolean;
}

export interface PromptOptions extends FeatureOptions {
  /** The method's name when left out. */
  readonly name?: string;
  readonly arguments?: readonly PromptArgument[];
}

/** What a completion completes: one argument of a prompt, or one variable of a resource template. */
export type CompletionOptions =
  | { readonly prompt: string; readonly argument: string }
  | { readonly resourceTemplate: string; readonly argument: string };

/**
 * Makes a method a prompt: `method(args, context)`. It returns a string (one user message), an array of messages, or
 * a whole GetPromptResult.
 */
export function Prompt(options: PromptOptions = {}): MethodDecorator {
  return (_target, _key, descriptor) => {
    Reflect.defineMetadata(PROMPT_METADATA, options, descriptor.value as object);
  };
}

/**
 * Makes a method complete an argument: `method(value, context, resolved)` with what was typed so far and the arguments
 * resolved before; it returns strings, best first.
 * @see MCP 2025-11-25, server/utilities/completion
 */
export function Completion(options: CompletionOptions): MethodDecorator {
  return (_target, _key, descriptor) => {
    Reflect.defineMetadata(COMPLETION_METADATA, options, descriptor.value as object);
  };
}
