import { plainToInstance } from 'class-transformer';
import { validate, type ValidationError } from 'class-validator';
import type { JsonObject } from '../../common/index.js';
import type { DtoClass } from '../tool-options.js';
import { type Checked, type CompiledSchema, MAX_FAULTS } from './compiled-schema.js';
import { dtoToJsonSchema } from './dto-json-schema.js';
import { illFormedTexts } from './ill-formed-texts.js';
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
      return hasOtherRules ? validated(instance, value) : { isValid: true, value: instance };
    },
  };
}

/** @param sent what the instance was made of */
async function validated(instance: object, sent: unknown): Promise<Checked> {
  let errors: ValidationError[];
  try {
    errors = await validate(instance, { forbidUnknownValues: false });
  } catch (error) {
    // A rule that counts bytes or writes a URI, as @IsEmail does, throws this at half a surrogate pair.
    const paths = error instanceof URIError ? illFormedTexts(sent, MAX_FAULTS) : [];
    if (paths.length === 0) throw error;
    return { isValid: false, faults: paths.map((path) => `${path} must be well-formed Unicode`) };
  }
  if (errors.length === 0) return { isValid: true, value: instance };
  return { isValid: false, faults: errors.flatMap((error) => messages(error)).slice(0, MAX_FAULTS) };
}

function messages(error: ValidationError, path = ''): string[] {
  const own = Object.values(error.constraints ?? {}).map((message) => `${path}${message}`);
  return [...own, ...(error.children ?? []).flatMap((child) => messages(child, `${path}${error.property}.`))];
}
