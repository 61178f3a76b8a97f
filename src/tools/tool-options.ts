import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { JsonObject } from '../common/index.js';
import type { ToolContext } from './tool-context.js';

/** A class whose properties carry class-validator decorators. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type DtoClass<T extends object = object> = new (...args: any[]) => T;

/** A schema in one of the forms that authors may use: a DTO class, any Standard Schema (zod 4), or JSON Schema 2020-12. */
export type SchemaSource = DtoClass | StandardSchemaV1 | JsonObject;

/** An icon of a tool, resource or prompt. @see MCP 2025-11-25, basic, "Icons" */
export interface IconOptions {
  /** `https:` or `data:` URL of an image. */
  readonly src: string;
  readonly mimeType?: string;
  readonly sizes?: readonly string[];
  readonly theme?: 'light' | 'dark';
}

/** What tools, resources and prompts have in common. */
export interface FeatureOptions {
  /** Shown to people in place of the name. */
  readonly title?: string;
  /** Read by models: what it does and when to use it. */
  readonly description?: string;
  readonly icons?: readonly IconOptions[];
  /** Sent to clients as `_meta`. */
  readonly meta?: JsonObject;
  /** Words that policies and people group by; not sent to clients. */
  readonly tags?: readonly string[];
  /** Roles that may use it; when left out, the rules of the roles alone decide. */
  readonly roles?: readonly string[];
  /** Scopes that a credential must have, all of them, where it is limited by scopes. */
  readonly scopes?: readonly string[];
  /** Whether it is for every caller, whatever their roles; a deny rule of a role still wins. */
  readonly public?: boolean;
}

/** How a tool becomes a task. */
export interface TaskOptions {
  /** Only for clients that know tasks. */
  readonly required?: boolean;
  /** Whether it is a task from its start, or when its handler calls `context.becomeTask()`; the start when left out. */
  readonly starts?: 'at-once' | 'by-handler';
  /** How long it may run and be asked for, ms, 1 to 86,400,000; one hour when left out. */
  readonly ttlMs?: number;
}

/** When a tool that keeps failing rests. */
export interface BreakerOptions {
  /** Failures in a row, 1 to 100. */
  readonly threshold?: number;
  /** Rest before one call may try again, 1 to 600 s. */
  readonly recoverySec?: number;
}

/** What a tool is. Only a description is worth writing for each; the rest has defaults. */
export interface ToolOptions extends FeatureOptions {
  /** 1 to 128 of `A-Z a-z 0-9 _ - .`; the method's name when left out. */
  readonly name?: string;
  /** Fits the arguments; inferred from a DTO in the method's first parameter; none means no arguments. */
  readonly input?: SchemaSource;
  /** Fits the result, which is then sent as structured content too, and checked. */
  readonly output?: SchemaSource;
  /** Changes nothing. */
  readonly readOnly?: boolean;
  /** May destroy something; only of meaning where it is not read-only. */
  readonly destructive?: boolean;
  /** A second call with the same arguments changes nothing more. */
  readonly idempotent?: boolean;
  /** Reaches out to things beyond the server. */
  readonly openWorld?: boolean;
  /** Deadline in ms, 1 to 3,600,000; `MCP_DEFAULT_TIMEOUT_SEC` when left out. */
  readonly timeoutMs?: number;
  /** Runs programs on this machine: what it leaves out below has the tighter defaults of the settings. */
  readonly command?: boolean;
  /** Programs that it runs: health looks for them, and the first is shown as its command. */
  readonly programs?: readonly string[];
  /** Runs at once, 1 to 100; 64 when left out, or `MCP_DEFAULT_CONCURRENCY` for a command. */
  readonly concurrency?: number;
  /** Runs at once of one principal, 1 to 100; as many as there are places when left out. */
  readonly perCaller?: number;
  /** Calls that may wait for a place, 0 to 10,000; `MCP_MAX_QUEUE` when left out. */
  readonly queue?: number;
  /** Runs per principal and minute, 1 to 10,000; unlimited when left out, or `MCP_TOOL_RATE_LIMIT` for a command. */
  readonly runsPerMinute?: number;
  /** Runs per minute of all principals together, 1 to 100,000; unlimited when left out, or `MCP_TOOL_TOTAL_RATE` for a command. */
  readonly totalRunsPerMinute?: number;
  /** When it rests after failures; `MCP_CIRCUIT_BREAKER_*` for what is left out. */
  readonly breaker?: BreakerOptions;
  /**
   * Takes so long that it may outlive its request: a client that knows tasks gets one to ask for, others wait for the
   * result unless it is `required`. Once it is a task, what it asks the client waits for `tasks/update`.
   * @see SEP-2663
   */
  readonly task?: TaskOptions;
  /** Property that takes a bare string given in place of the arguments object; without it a string is refused. */
  readonly textArgument?: string;
  /** Whether the tool can be called unless switched off; `false` needs a setting of its own. */
  readonly enabled?: boolean;
}

/** A tool without a class: what {@link defineTool} makes and what a plug-in may export. */
export interface DefinedTool extends ToolOptions {
  readonly name: string;
  /**
   * Does the work.
   * @param args fits `input`
   * @returns a string, content blocks, a plain object, or a whole CallToolResult
   */
  readonly run: (args: never, context: ToolContext) => unknown;
}

/**
 * Defines a tool without decorators, for plain JavaScript.
 * @example export default defineTool({ name: 'shout', input: {…}, run: ({ text }) => text.toUpperCase() });
 */
export function defineTool<Args = JsonObject>(
  tool: ToolOptions & { readonly name: string; readonly run: (args: Args, context: ToolContext) => unknown },
): DefinedTool {
  return tool;
}
