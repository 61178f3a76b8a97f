import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { default as addFormats } from 'ajv-formats';
import type { JsonObject } from '../../common/index.js';
import { type Checked, type CompiledSchema, MAX_FAULTS } from './compiled-schema.js';

const OPTIONS = { strict: false, allErrors: true, logger: false } as const;
const DRAFT_07 = /^https?:\/\/json-schema\.org\/draft-07\/schema#?$/;

// One compiler per dialect: what they cache is keyed by the schema object, and schemas live as long as the process.
const dialects = new Map<string, Ajv>();

function dialectOf(schema: JsonObject): Ajv {
  const name = typeof schema['$schema'] === 'string' && DRAFT_07.test(schema['$schema']) ? 'draft-07' : '2020-12';
  let ajv = dialects.get(name);
  if (!ajv) {
    ajv = name === 'draft-07' ? new Ajv(OPTIONS) : new Ajv2020(OPTIONS);
    addFormats.default(ajv);
    dialects.set(name, ajv);
  }
  return ajv;
}

/**
 * Compiles a JSON Schema: 2020-12, or draft-07 where `$schema` says so.
 * @throws Error the schema is not valid, or refers to what it does not hold
 */
export function compileJsonSchema(schema: JsonObject): CompiledSchema {
  const validate = dialectOf(schema).compile(schema);
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
