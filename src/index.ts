// The public face for authors of tools and of Nest applications.
export { GatehouseModule, type GatehouseOptions } from './app.module.js';
export { AnyCaller, type Permission, type Principal, Public, RequiresPermission, Roles, Scopes } from './auth/index.js';
export { Catalogue } from './dispatch/index.js';
export { ProtocolError, ToolError } from './common/index.js';
export {
  type HealthFinding,
  type HealthIndicator,
  HealthIndicators,
  type HealthPriority,
  type HealthStatus,
} from './health/index.js';
export { type CustomCounter, type CustomCounterOptions, CustomCounters } from './metrics/index.js';
export {
  Completion,
  type CompletionOptions,
  Prompt,
  type PromptArgument,
  type PromptOptions,
} from './prompts/index.js';
export type { LogSeverity } from './protocol/index.js';
export {
  Resource,
  type ResourceAnnotations,
  type ResourceOptions,
  ResourceTemplate,
  type ResourceTemplateOptions,
} from './resources/index.js';
export {
  type CallContext,
  type CallLogger,
  type ClientCapability,
  type DefinedTool,
  defineTool,
  Describe,
  type ElicitAnswer,
  type ElicitFormRequest,
  type ElicitUrlRequest,
  type IconOptions,
  type SampleAnswer,
  type SampleRequest,
  type SchemaSource,
  Tool,
  type ToolContext,
  type ToolOptions,
} from './tools/index.js';
export { attachGatehouse } from './transport/index.js';
