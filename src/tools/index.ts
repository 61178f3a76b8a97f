export { CallGate, type GateTarget } from './call-gate.js';
export type { CallLogger } from './call-logger.js';
export { type CallOrigin, CallScope, type TraceContext } from './call-scope.js';
export type { ClientCapability, ClientPort, ClientQuestion } from './client-port.js';
export { isProgramInstalled } from './command/index.js';
export type { ElicitAnswer, ElicitFormRequest, ElicitUrlRequest } from './elicitation.js';
export { EnhancerOptions } from './enhancers.js';
export { FeatureRunner } from './feature-runner.js';
export { type Feature, FeatureScanner } from './feature-scanner.js';
export { featureTarget } from './feature-target.js';
export type { BrokenPlugin, Plugin } from './plugins/plugin.js';
export { loadPlugins } from './plugins/plugin-loader.js';
export { Describe } from './schema/describe.decorator.js';
export { ServerFacts, type ToolFacts } from './server-facts.js';
export { type CallContext, type SampleAnswer, type SampleRequest, type ToolContext } from './tool-context.js';
export type { RegisteredTool } from './tool-definition.js';
export { ToolExecutor } from './tool-executor.js';
export {
  type DefinedTool,
  defineTool,
  type DtoClass,
  type FeatureOptions,
  type IconOptions,
  type SchemaSource,
  type ToolOptions,
} from './tool-options.js';
export { ToolRegistry } from './tool-registry.js';
export { failureOf, toFailedResult, type ToolResult } from './tool-result.js';
export { DefinedTools, ToolScanner } from './tool-scanner.js';
export { type ToolOrder, type ToolState, ToolStates } from './tool-states.js';
export { Tool } from './tool.decorator.js';
export { ToolsModule } from './tools.module.js';
