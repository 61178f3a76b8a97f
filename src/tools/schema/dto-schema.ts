import { plainToInstance } from 'class-transformer';
import { validate, type ValidationError } from 'class-validator';
import type { JsonObject } from '../../common/index.js';
import type { DtoClass } from '../tool-options.js';
import { type Checked, type CompiledSchema, MAX_FAULTS } from './compiled-schema.js';
import { dtoToJsonSchema } from './dto-json-schema.js';
import { compileJsonSchema } from './json-schema.js';

/**
 * Takes a class-validator DTO: the compiled schema checks first; class-validator runs after it only where the class
 * has rules that a schema cannot say (D-14). The handler gets an instance of the class.
 * @throws Error the class cannot be written as JSON Schema
 */
export function compileDto(dto: DtoClass): CompiledSchema {
  const { json, checked: schema, hasOtherRules, needsTransformer } = dtoToJsonSchema(dto);
  const compiled = compileJsonSchema(schema, true);
  const instantiate = needsTransformer
    ? (value: JsonObject): object => plainToInstance(dto, value)
    : (value: JsonObject): object => Object.assign(new dto(), value);

  return {
    json,
    check: (value) => {
      const checked = compiled.check(value) as Checked;
      if (!checked.isValid) return checked;
      const instance = instantiate(value as JsonObject);
      return hasOtherRules ? validated(instance) : { isValid: true, value: instance };
    },
  };
}

async function validated(instance: object): Promise<Checked> {
  const errors = await validate(instance, { forbidUnknownValues: false });
  if (errors.length === 0) return { isValid: true, value: instance };
  return { isValid: false, faults: errors.flatMap((error) => messages(error)).slice(0, MAX_FAULTS) };
}

function messages(error: ValidationError, path = ''): string[] {
  const own = Object.values(error.constraints ?? {}).map((message) => `${path}${message}`);
  return [...own, ...(error.children ?? []).flatMap((child) => messages(child, `${path}${error.property}.`))];
}
