import { isJsonObject, type JsonObject } from '../../common/index.js';
import type { SchemaSource } from '../tool-options.js';
import type { CompiledSchema } from './compiled-schema.js';
import { isDtoClass } from './dto-json-schema.js';
import { compileDto } from './dto-schema.js';
import { compileJsonSchema } from './json-schema.js';
import { compileStandardSchema, isStandardSchema } from './standard-schema.js';

const NO_ARGUMENTS: JsonObject = Object.freeze({ type: 'object', properties: {}, additionalProperties: false });

/**
 * Converts and compiles a schema in any form that authors may use.
 * @param side `input` is what a caller sends, `output` what a handler returns
 * @throws Error it cannot be compiled, or does not describe an object; the message is for the author
 */
export function compileSchema(source: SchemaSource | undefined, side: 'input' | 'output'): CompiledSchema {
  const compiled = source === undefined ? compileJsonSchema(NO_ARGUMENTS, true) : compileForm(source, side);
  if (compiled.json['type'] !== 'object') throw new Error('the schema must have type "object" at its root');
  return compiled;
}

function compileForm(source: SchemaSource, side: 'input' | 'output'): CompiledSchema {
  if (isStandardSchema(source)) return compileStandardSchema(source, side);
  if (isDtoClass(source)) return compileDto(source);
  if (typeof source === 'function') throw new Error('the class has no class-validator decorator');
  if (isJsonObject(source)) return compileJsonSchema(source);
  throw new Error('a schema is a DTO class, a Standard Schema or a JSON Schema object');
}
