import type { Breaker, Bulkhead } from '../limits/index.js';
import type { GateTarget } from './call-gate.js';
import type { HeaderParameter } from './header-parameters.js';
import type { CompiledSchema } from './schema/compiled-schema.js';
import type { ToolContext } from './tool-context.js';
import type { ToolOptions } from './tool-options.js';

/** What the author wrote, with where it stands and how it is run. */
export interface ToolSourceEntry {
  readonly options: ToolOptions & { readonly name: string };
  /** For messages to people: `Weather.forecast`, or the file of a plug-in. */
  readonly origin: string;
  readonly run: (args: unknown, context: ToolContext) => unknown;
}

/** A tool that is ready to be called: schemas compiled, limits set, nothing left to work out per call. */
export interface RegisteredTool {
  readonly name: string;
  readonly options: ToolSourceEntry['options'];
  readonly origin: string;
  /** Place in the list; grows, and is never given twice. */
  readonly ordinal: number;
  readonly isEnabled: boolean;
  readonly input: CompiledSchema;
  readonly output: CompiledSchema | undefined;
  /** The tool's own deadline, ms, of its author or of a setting: a caller can only shorten it. */
  readonly timeoutMs: number | undefined;
  /** Arguments that clients of 2026-07-28 repeat in headers. */
  readonly headerParameters: readonly HeaderParameter[];
  /** Programs that have to be installed for it. */
  readonly programs: readonly string[];
  readonly target: GateTarget;
  readonly bulkhead: Bulkhead;
  readonly breaker: Breaker;
  readonly run: ToolSourceEntry['run'];
}
