import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import type { JsonObject } from '../../common/index.js';
import { type Checked, type CompiledSchema, MAX_FAULTS } from './compiled-schema.js';

const TARGET = 'draft-2020-12';

/** Whether a value is a schema of some library that follows Standard Schema. */
export function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  return (typeof value === 'object' || typeof value === 'function') && value !== null && '~standard' in value;
}

/**
 * Takes a Standard Schema whose library can also write JSON Schema (zod since 4.2, valibot, arktype).
 * @param side `input` is what a caller sends, `output` what a handler returns
 * @throws Error the library cannot write JSON Schema, or not for this schema
 * @see https://standardschema.dev
 */
export function compileStandardSchema(schema: StandardSchemaV1, side: 'input' | 'output'): CompiledSchema {
  const standard = schema['~standard'] as StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props>;
  if (!standard.jsonSchema) {
    throw new Error(`a schema of ${standard.vendor} that cannot be written as JSON Schema: give JSON Schema instead`);
  }
  const json = standard.jsonSchema[side]({ target: TARGET }) as JsonObject;
  return {
    json,
    check: (value) => {
      const result = standard.validate(value);
      return result instanceof Promise ? result.then(toChecked) : toChecked(result);
    },
  };
}

function toChecked(result: StandardSchemaV1.Result<unknown>): Checked {
  if (!result.issues) return { isValid: true, value: result.value };
  return { isValid: false, faults: result.issues.slice(0, MAX_FAULTS).map(describe) };
}

function describe(issue: StandardSchemaV1.Issue): string {
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  return path ? `${path}: ${issue.message}` : issue.message;
}
