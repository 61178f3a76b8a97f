import type { PolicyTarget, TargetHints } from '../auth/index.js';
import type { FeatureOptions, ToolOptions } from './tool-options.js';

/** How policies see a tool, resource or prompt. */
export function featureTarget(kind: PolicyTarget['kind'], name: string, options: FeatureOptions): PolicyTarget {
  const { tags = [], roles, scopes, public: isPublic } = options;
  return { kind, name, tags, roles, scopes, isPublic };
}

/**
 * How policies see a tool. What its author does not say is what the protocol takes for granted: the worst.
 * @see MCP 2025-11-25 schema, ToolAnnotations
 */
export function toolTarget(name: string, options: ToolOptions): PolicyTarget {
  return { ...featureTarget('tool', name, options), hints: hintsOf(options) };
}

function hintsOf({
  readOnly = false,
  destructive = true,
  idempotent = false,
  openWorld = true,
}: ToolOptions): TargetHints {
  return { readOnly, destructive: destructive && !readOnly, idempotent, openWorld };
}
