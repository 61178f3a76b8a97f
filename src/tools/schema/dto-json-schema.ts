import {
  getMetadataStorage,
  type IsNumberOptions,
  IS_ARRAY,
  IS_BOOLEAN,
  IS_DATE,
  IS_DEFINED,
  IS_EMAIL,
  IS_EMPTY,
  IS_ENUM,
  IS_FQDN,
  IS_IN,
  IS_INT,
  IS_NOT_EMPTY,
  IS_NUMBER,
  IS_OBJECT,
  IS_POSITIVE,
  IS_NEGATIVE,
  IS_STRING,
  IS_LENGTH,
  MATCHES,
  MAX,
  MAX_DATE,
  MAX_LENGTH,
  MIN,
  MIN_DATE,
  MIN_LENGTH,
  ARRAY_MIN_SIZE,
  ARRAY_MAX_SIZE,
  ARRAY_NOT_EMPTY,
  EQUALS,
  ValidationTypes,
} from 'class-validator';
import { targetConstructorToSchema, validationMetadataArrayToSchemas } from 'class-validator-jsonschema';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import type { JsonObject } from '../../common/index.js';
import type { DtoClass } from '../tool-options.js';
import { bothSchemas } from './both-schemas.js';

type Metadata = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];

/** What a DTO class says as JSON Schema, and whether that says all of it. */
export interface DtoSchema {
  /** What a caller should send. */
  readonly json: JsonObject;
  /**
   * What a value must fit before class-validator decides: the same, but open for properties that class-validator
   * sees changed or judges on a condition, and without formats that are only hints.
   */
  readonly checked: JsonObject;
  /** Whether the class has rules that JSON Schema cannot say (D-14). */
  readonly hasOtherRules: boolean;
  /** Whether instances hold other classes, or were told to transform. */
  readonly needsTransformer: boolean;
}

const IS_OPTIONAL = 'isOptional';
/** How class-transformer names the way from JSON to an instance. */
const PLAIN_TO_CLASS = 0;
const SAID_BY_SCHEMA = new Set([
  IS_ARRAY,
  IS_BOOLEAN,
  IS_DEFINED,
  IS_ENUM,
  IS_IN,
  IS_INT,
  IS_NUMBER,
  IS_OBJECT,
  IS_POSITIVE,
  IS_NEGATIVE,
  IS_STRING,
  IS_LENGTH,
  MAX,
  MAX_LENGTH,
  MIN,
  MIN_LENGTH,
  ARRAY_MIN_SIZE,
  ARRAY_MAX_SIZE,
  ARRAY_NOT_EMPTY,
  EQUALS,
  IS_NOT_EMPTY,
]);

/** Whether a class carries class-validator decorators. */
export function isDtoClass(value: unknown): value is DtoClass {
  return typeof value === 'function' && metadataOf(value as DtoClass).length > 0;
}

/**
 * Derives JSON Schema 2020-12 from a DTO class and the classes that it nests.
 * @throws Error a nested property without `@Type`, whose class cannot be known
 */
export function dtoToJsonSchema(root: DtoClass): DtoSchema {
  const { json, hasOtherRules, needsTransformer } = convertAll(root, false);
  const checked = hasOtherRules ? convertAll(root, true).json : json;
  return { json, checked, hasOtherRules, needsTransformer };
}

/** @param isOpen whether to leave to class-validator what only it can judge */
function convertAll(root: DtoClass, isOpen: boolean): Omit<DtoSchema, 'checked'> {
  const names = new Map<DtoClass, string>();
  const definitions: JsonObject = {};
  let hasOtherRules = false;
  let needsTransformer = false;

  const nameOf = (dto: DtoClass): string => {
    const known = names.get(dto);
    if (known !== undefined) return known;
    const taken = new Set(names.values());
    let name = dto.name;
    for (let n = 2; taken.has(name); n++) name = `${dto.name}${n}`;
    names.set(dto, name);
    definitions[name] = convert(dto);
    return name;
  };
  const options = {
    classTransformerMetadataStorage: defaultMetadataStorage,
    additionalConverters: {
      ...CONVERTERS,
      ...(isOpen ? {} : HINTS),
      [ValidationTypes.NESTED_VALIDATION]: (rule: Metadata) => {
        const nested = { $ref: `#/$defs/${nameOf(nestedClass(rule))}` };
        return !rule.each && designType(rule) === Array ? { type: 'array', items: nested } : nested;
      },
    },
  } as unknown as Parameters<typeof targetConstructorToSchema>[1];

  const convert = (dto: DtoClass): JsonObject => {
    const initial = new dto() as JsonObject;
    const properties: Record<string, JsonObject> = {};
    const optional = new Set<string>();
    for (const rule of metadataOf(dto)) {
      const isJudgedLater = isSeenChanged(dto, rule.propertyName);
      hasOtherRules ||= isJudgedLater || !isSaidBySchema(rule);
      needsTransformer ||= usesTransformer(dto, rule.propertyName);
      const takesAnything = isOpen && isJudgedLater;
      for (const [name, said] of Object.entries(alone(dto, rule, options))) {
        properties[name] = takesAnything ? {} : bothSchemas(properties[name] ?? {}, said);
        if (takesAnything || isOptional(rule) || initial[rule.propertyName] !== undefined) optional.add(name);
      }
    }
    const { properties: _merged, required: _all, ...schema } = targetConstructorToSchema(dto, options) as JsonObject;
    const required = Object.keys(properties).filter((name) => !optional.has(name));
    return {
      ...schema,
      type: 'object',
      properties,
      ...(required.length > 0 && { required }),
      additionalProperties: false,
    };
  };

  names.set(root, root.name);
  const json = convert(root);
  if (referencesRoot(json, definitions, root.name)) definitions[root.name] = json;
  const schema = Object.keys(definitions).length > 0 ? { ...json, $defs: definitions } : json;
  return { json: schema, hasOtherRules, needsTransformer };
}

/** What one rule says, by the name of its property on the wire: rules merged by the library overwrite one another. */
function alone(
  dto: DtoClass,
  rule: Metadata,
  options: Parameters<typeof targetConstructorToSchema>[1],
): Record<string, JsonObject> {
  // As the library writes it for itself: with the rule's name as its type.
  const own = { ...rule, target: dto, type: ruleName(rule) };
  const schemas = Object.values(validationMetadataArrayToSchemas([own], options)) as { properties: unknown }[];
  return schemas[0]?.properties as Record<string, JsonObject>;
}

function referencesRoot(json: JsonObject, definitions: JsonObject, name: string): boolean {
  return JSON.stringify([json, definitions]).includes(`"#/$defs/${name}"`);
}

function metadataOf(dto: DtoClass): Metadata[] {
  return getMetadataStorage().getTargetValidationMetadatas(dto, '', true, false);
}

/** The rule's name: class-validator keeps it with the constraint. */
function ruleName(rule: Metadata): string {
  if (rule.type !== ValidationTypes.CUSTOM_VALIDATION) return rule.type;
  return getMetadataStorage().getTargetValidatorConstraints(rule.constraintCls)[0]?.name ?? rule.type;
}

function isSaidBySchema(rule: Metadata): boolean {
  const name = ruleName(rule);
  if (rule.type === ValidationTypes.NESTED_VALIDATION || rule.type === ValidationTypes.WHITELIST) return true;
  if (rule.type === ValidationTypes.CONDITIONAL_VALIDATION) return rule.name === IS_OPTIONAL;
  if (name === MATCHES) return isPortable(rule.constraints[0] as RegExp);
  if (name === IS_NUMBER) return (rule.constraints[0] as IsNumberOptions | undefined)?.maxDecimalPlaces === undefined;
  return SAID_BY_SCHEMA.has(name);
}

/** Whether JSON Schema reads an expression as JavaScript does: its patterns have no flag but `u`. */
function isPortable({ source, flags }: RegExp): boolean {
  if (flags !== '' && flags !== 'u') return false;
  try {
    return Boolean(new RegExp(source, 'u'));
  } catch {
    // Good without the flag only, such as a needless backslash.
    return false;
  }
}

/** Whether the caller may leave the property out. */
function isOptional(rule: Metadata): boolean {
  return rule.type === ValidationTypes.CONDITIONAL_VALIDATION || ruleName(rule) === IS_EMPTY || isConditional(rule);
}

function isConditional(rule: Metadata): boolean {
  return rule.type === ValidationTypes.CONDITIONAL_VALIDATION ? rule.name !== IS_OPTIONAL : !!rule.validateIf;
}

/** Whether the rules of a property hold under a condition only, or for what a transformation makes of the value. */
function isSeenChanged(dto: DtoClass, property: string): boolean {
  if (defaultMetadataStorage.findTransformMetadatas(dto, property, PLAIN_TO_CLASS).length > 0) return true;
  return metadataOf(dto).some((rule) => rule.propertyName === property && isConditional(rule));
}

function designType(rule: Metadata): unknown {
  return Reflect.getMetadata('design:type', (rule.target as DtoClass).prototype as object, rule.propertyName);
}

function nestedClass(rule: Metadata): DtoClass {
  const dto = rule.target as DtoClass;
  const typed = defaultMetadataStorage.findTypeMetadata(dto, rule.propertyName) as
    { typeFunction?: () => unknown } | undefined;
  const nested: unknown = typed?.typeFunction?.() ?? designType(rule);
  if (typeof nested !== 'function' || nested === Array || nested === Object) {
    throw new Error(`${dto.name}.${rule.propertyName} needs @Type(() => Class) beside @ValidateNested()`);
  }
  return nested as DtoClass;
}

function usesTransformer(dto: DtoClass, property: string): boolean {
  const storage = defaultMetadataStorage;
  return (
    storage.findTypeMetadata(dto, property) !== undefined ||
    storage.findTransformMetadatas(dto, property, PLAIN_TO_CLASS).length > 0 ||
    storage.findExposeMetadata(dto, property) !== undefined ||
    storage.findExcludeMetadata(dto, property) !== undefined
  );
}

const text: JsonObject = { type: 'string' };

/** Where the library's conversion is not the rule, or not of 2020-12: what it leaves open, the rule decides afterwards. */
const CONVERTERS: Record<string, unknown> = {
  isDateString: text,
  isIso8601: text,
  isRFC3339: text,
  [IS_DATE]: text,
  [MIN_DATE]: text,
  [MAX_DATE]: text,
  isIp: text,
  isUrl: text,
  [IS_FQDN]: text,
  isBase64: text,
  [IS_EMAIL]: text,
  isMobilePhone: text,
  isPhoneNumber: text,
  isNumberString: text,
  isBooleanString: text,
  isAlpha: text,
  isAlphanumeric: text,
  isHexColor: text,
  isHexadecimal: text,
  isSurrogatePair: text,
  contains: text,
  notContains: text,
  [IS_NOT_EMPTY]: (rule: Metadata) => {
    const type = rule.each ? {} : typeOf(rule);
    if (type['type'] === 'string') return { ...type, minLength: 1 };
    return 'type' in type ? type : { minLength: 1, not: { type: 'null' } };
  },
  [IS_EMPTY]: {},
  [IS_ENUM]: (rule: Metadata) => ({ enum: enumValues(rule.constraints[0] as Record<string, unknown>) }),
  [IS_IN]: (rule: Metadata) => oneOf(rule.constraints[0] as readonly unknown[]),
  [EQUALS]: (rule: Metadata) => oneOf([rule.constraints[0]]),
  [MATCHES]: (rule: Metadata) => {
    const expression = rule.constraints[0] as RegExp;
    return isPortable(expression) ? { type: 'string', pattern: expression.source } : text;
  },
  [ValidationTypes.CUSTOM_VALIDATION]: (rule: Metadata) => (rule.each ? {} : typeOf(rule)),
};

/** What callers are told beyond that: the formats are narrower than the rules. */
const HINTS: Record<string, unknown> = {
  [IS_DATE]: { ...text, format: 'date-time' },
  [MIN_DATE]: { ...text, format: 'date-time' },
  [MAX_DATE]: { ...text, format: 'date-time' },
  [IS_FQDN]: { ...text, format: 'hostname' },
  [IS_EMAIL]: { ...text, format: 'email' },
};

/** The type that TypeScript emitted for the property, where JSON knows it. */
function typeOf(rule: Metadata): JsonObject {
  const type = designType(rule);
  if (type === String) return { type: 'string' };
  if (type === Number) return { type: 'number' };
  return type === Boolean ? { type: 'boolean' } : {};
}

/** One of the values; those that JSON does not have cannot come. */
function oneOf(values: readonly unknown[]): JsonObject {
  const known = values.filter((value) => value === null || ['string', 'number', 'boolean'].includes(typeof value));
  const types = new Set(known.map((value) => typeof value));
  const [type] = types.size === 1 && !known.includes(null) ? types : [];
  return known.length > 0 ? { ...(type && { type }), enum: known } : { not: {} };
}

/** The values of a TypeScript enum: a numeric one also maps back from number to name. */
function enumValues(values: Record<string, unknown>): unknown[] {
  const isMappedBack = (key: string): boolean => String(values[values[key] as string]) === key;
  return Object.keys(values).flatMap((key) => (/^-?\d/.test(key) && isMappedBack(key) ? [] : [values[key]]));
}
