import type { JsonObject } from '../../common/index.js';

/** A value that fits, in the form that the handler gets; or why it does not fit, a sentence each. */
export type Checked =
  { readonly isValid: true; readonly value: unknown } | { readonly isValid: false; readonly faults: readonly string[] };

/** A schema, converted and compiled once at start. */
export interface CompiledSchema {
  /** JSON Schema, as clients see it. */
  readonly json: JsonObject;
  /** @returns a promise only where the schema has asynchronous rules */
  check(value: unknown): Checked | Promise<Checked>;
}

/** Faults that one answer names at most. */
export const MAX_FAULTS = 10;
