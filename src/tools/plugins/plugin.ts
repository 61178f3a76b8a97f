import type { DynamicModule, Type } from '@nestjs/common';
import type { DefinedTool } from '../tool-options.js';

/** What one file or package of a plug-in brought, sorted by how it is wired. */
export interface Plugin {
  /** Path or package name, for messages to people. */
  readonly source: string;
  readonly modules: readonly (Type | DynamicModule)[];
  readonly providers: readonly Type[];
  readonly tools: readonly DefinedTool[];
}

/** A plug-in that could not be loaded, and why. */
export interface BrokenPlugin {
  readonly source: string;
  readonly reason: string;
}
