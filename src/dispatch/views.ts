import type { ContentBlock, GetPromptResult } from '@modelcontextprotocol/sdk/types.js';
import type { JsonObject } from '../common/index.js';
import type { RegisteredPrompt } from '../prompts/index.js';
import type { RevisionRules } from '../protocol/index.js';
import type { RegisteredResource, RegisteredResourceTemplate } from '../resources/index.js';
import type { FeatureOptions, RegisteredTool, ToolResult } from '../tools/index.js';

/** How a tool looks in `tools/list`. @see MCP schema, Tool, of each revision */
export function toolView({ name, options, input, output }: RegisteredTool, rules: RevisionRules): JsonObject {
  return defined({
    name,
    ...common(options, rules),
    inputSchema: input.json,
    outputSchema: rules.structuredContent ? output?.json : undefined,
    annotations: rules.toolAnnotations ? annotations(options) : undefined,
  });
}

export function resourceView({ name, options }: RegisteredResource, rules: RevisionRules): JsonObject {
  const { uri, mimeType, size, annotations: hints } = options;
  return defined({ uri, name, ...common(options, rules), mimeType, size, annotations: hints });
}

export function resourceTemplateView({ name, options }: RegisteredResourceTemplate, rules: RevisionRules): JsonObject {
  const { uriTemplate, mimeType, annotations: hints } = options;
  return defined({ uriTemplate, name, ...common(options, rules), mimeType, annotations: hints });
}

export function promptView({ name, options }: RegisteredPrompt, rules: RevisionRules): JsonObject {
  const args = options.arguments?.map(({ title, ...argument }) =>
    defined({ ...argument, title: rules.structuredContent ? title : undefined }),
  );
  return defined({ name, ...common(options, rules), arguments: args });
}

/** A result in the words of the caller's revision: what it does not know is left out, or told as text. */
export function toolResultView(result: ToolResult, rules: RevisionRules): JsonObject {
  if (rules.structuredContent) return result;
  const { structuredContent: _unknownHere, ...known } = result;
  return { ...known, content: result.content.map((block) => contentView(block, rules)) };
}

/** The same for a prompt, whose messages may hold every block that a tool may return. */
export function promptResultView(result: GetPromptResult, rules: RevisionRules): JsonObject {
  if (rules.structuredContent) return result;
  const messages = result.messages.map((message) => ({ ...message, content: contentView(message.content, rules) }));
  return { ...result, messages };
}

function contentView(block: ContentBlock, rules: RevisionRules): JsonObject {
  if (block.type === 'resource_link') return { type: 'text', text: `${block.name}: ${block.uri}` };
  if (block.type === 'audio' && !rules.toolAnnotations) return { type: 'text', text: `[audio, ${block.mimeType}]` };
  return block;
}

function common(options: FeatureOptions, rules: RevisionRules): JsonObject {
  return {
    title: rules.structuredContent ? options.title : undefined,
    description: options.description,
    icons: rules.icons ? options.icons : undefined,
    _meta: rules.structuredContent ? options.meta : undefined,
  };
}

function annotations(options: RegisteredTool['options']): JsonObject | undefined {
  const hints = defined({
    title: options.title,
    readOnlyHint: options.readOnly,
    destructiveHint: options.destructive,
    idempotentHint: options.idempotent,
    openWorldHint: options.openWorld,
  });
  return Object.keys(hints).length > 0 ? hints : undefined;
}

function defined(entries: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}
