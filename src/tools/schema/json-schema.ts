import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { default as addFormats } from 'ajv-formats';
import type { JsonObject } from '../../common/index.js';
import { type Checked, type CompiledSchema, MAX_FAULTS } from './compiled-schema.js';

const OPTIONS = { strict: false, allErrors: true, logger: false } as const;
// The meta-schema costs more to compile than all built-in tools together: only what people wrote is held against it.
const TRUSTED = { ...OPTIONS, meta: false, validateSchema: false } as const;
const DRAFT_07 = /^https?:\/\/json-schema\.org\/draft-07\/schema#?$/;

// One compiler per kind: what they cache is keyed by the schema object, and schemas live as long as the process. Only a
// schema with an id has one of its own, as no compiler takes an id twice, and those of two tools may be the same.
const compilers = new Map<string, Ajv>();

function compilerFor(schema: JsonObject, isTrusted: boolean): Ajv {
  const isDraft07 = saysDraft07(schema);
  const options = isTrusted ? TRUSTED : OPTIONS;
  const kind = `${isDraft07} ${isTrusted}`;
  const isNamed = schema['$id'] !== undefined;
  let ajv = isNamed ? undefined : compilers.get(kind);
  if (!ajv) {
    ajv = isDraft07 ? new Ajv(options) : new Ajv2020(options);
    addFormats.default(ajv);
    if (!isNamed) compilers.set(kind, ajv);
  }
  return ajv;
}

function saysDraft07({ $schema }: JsonObject): boolean {
  return typeof $schema === 'string' && DRAFT_07.test($schema);
}

/** The compiler knows draft-07 by one spelling of its name only, and needs none. */
function withoutName({ $schema: _draft07, ...schema }: JsonObject): JsonObject {
  return schema;
}

/**
 * Compiles a JSON Schema: 2020-12, or draft-07 where `$schema` says so.
 * @param isTrusted whether the schema was derived by us, so that it need not be checked against the meta-schema
 * @throws Error the schema is not valid, or refers to what it does not hold
 */
export function compileJsonSchema(schema: JsonObject, isTrusted = false): CompiledSchema {
  const validate = compilerFor(schema, isTrusted).compile(saysDraft07(schema) ? withoutName(schema) : schema);
  return {
    json: schema,
    check: (value) => (validate(value) ? { isValid: true, value } : { isValid: false, faults: faultsOf(validate) }),
  };
}

/** The faults of the last run, in words for a model. */
function faultsOf(validate: ValidateFunction): Extract<Checked, { isValid: false }>['faults'] {
  return (validate.errors ?? []).slice(0, MAX_FAULTS).map(describe);
}

function describe(error: ErrorObject): string {
  const where = error.instancePath.slice(1).replaceAll('/', '.') || 'the value';
  const { params } = error as { params: Record<string, unknown> };
  switch (error.keyword) {
    case 'required':
      return `${where === 'the value' ? '' : `${where}.`}${String(params['missingProperty'])} is required`;
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const name = params['additionalProperty'] ?? params['unevaluatedProperty'];
      return `${where === 'the value' ? '' : `${where}.`}${String(name)} is not known`;
    }
    case 'enum':
      return `${where} must be one of ${JSON.stringify(params['allowedValues'])}`;
    default:
      return `${where} ${error.message ?? 'is not valid'}`;
  }
}
