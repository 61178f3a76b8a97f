export { type CompletionQuestion, type CompletionReference, CompletionRegistry } from './completion-registry.js';
export {
  Completion,
  type CompletionOptions,
  Prompt,
  type PromptArgument,
  type PromptOptions,
} from './prompt.decorator.js';
export { PromptRegistry, type RegisteredPrompt } from './prompt-registry.js';
export { PromptsModule } from './prompts.module.js';
