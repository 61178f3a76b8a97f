import {
  getMetadataStorage,
  IS_ARRAY,
  IS_BOOLEAN,
  IS_DEFINED,
  IS_ENUM,
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
  MAX_LENGTH,
  MIN,
  MIN_LENGTH,
  ARRAY_MIN_SIZE,
  ARRAY_MAX_SIZE,
  ARRAY_NOT_EMPTY,
  EQUALS,
  ValidationTypes,
} from 'class-validator';
import { targetConstructorToSchema } from 'class-validator-jsonschema';
import { defaultMetadataStorage } from 'class-transformer/cjs/storage.js';
import type { JsonObject } from '../../common/index.js';
import type { DtoClass } from '../tool-options.js';

type Metadata = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];

/** What a DTO class says as JSON Schema, and whether that says all of it. */
export interface DtoSchema {
  readonly json: JsonObject;
  /** Whether the class has rules that JSON Schema cannot say (D-14). */
  readonly hasOtherRules: boolean;
  /** Whether instances hold other classes, or were told to transform. */
  readonly needsTransformer: boolean;
}

const IS_OPTIONAL = 'isOptional';
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
  const names = new Map<DtoClass, string>();
  const definitions: JsonObject = {};
  let hasOtherRules = false;
  let needsTransformer = false;

  const nameOf = (dto: DtoClass): string => {
    const known = names.get(dto);
    if (known) return known;
    const taken = new Set(names.values());
    let name = dto.name;
    for (let n = 2; taken.has(name); n++) name = `${dto.name}${n}`;
    names.set(dto, name);
    definitions[name] = convert(dto);
    return name;
  };

  const convert = (dto: DtoClass): JsonObject => {
    const metadata = metadataOf(dto);
    hasOtherRules ||= metadata.some((rule) => !isSaidBySchema(rule));
    needsTransformer ||= usesTransformer(dto);
    const schema = targetConstructorToSchema(dto, {
      classTransformerMetadataStorage: defaultMetadataStorage,
      additionalConverters: {
        ...LOOSER,
        [ValidationTypes.NESTED_VALIDATION]: (rule: Metadata) => ({ $ref: `#/$defs/${nameOf(nestedClass(rule))}` }),
      },
    } as unknown as Parameters<typeof targetConstructorToSchema>[1]) as JsonObject;
    return { ...schema, additionalProperties: false };
  };

  names.set(root, root.name);
  const json = convert(root);
  if (referencesRoot(json, definitions, root.name)) definitions[root.name] = json;
  const schema = Object.keys(definitions).length > 0 ? { ...json, $defs: definitions } : json;
  return { json: schema, hasOtherRules, needsTransformer };
}

function referencesRoot(json: JsonObject, definitions: JsonObject, name: string): boolean {
  return JSON.stringify([json, definitions]).includes(`"#/$defs/${name}"`);
}

function metadataOf(dto: DtoClass): Metadata[] {
  return getMetadataStorage().getTargetValidationMetadatas(dto, '', true, false);
}

/** The rule's name: class-validator keeps it with the constraint. */
function ruleName(rule: Metadata): string {
  if (rule.type !== ValidationTypes.CUSTOM_VALIDATION) return rule.name ?? rule.type;
  return getMetadataStorage().getTargetValidatorConstraints(rule.constraintCls)[0]?.name ?? rule.type;
}

function isSaidBySchema(rule: Metadata): boolean {
  const name = ruleName(rule);
  if (rule.type === ValidationTypes.NESTED_VALIDATION || rule.type === ValidationTypes.WHITELIST) return true;
  if (name === IS_OPTIONAL) return true;
  if (name === MATCHES) return (rule.constraints[0] as RegExp).flags.replace('u', '') === '';
  return SAID_BY_SCHEMA.has(name);
}

function nestedClass(rule: Metadata): DtoClass {
  const dto = rule.target as DtoClass;
  const typed = defaultMetadataStorage.findTypeMetadata(dto, rule.propertyName) as
    { typeFunction?: () => unknown } | undefined;
  const nested: unknown =
    typed?.typeFunction?.() ?? Reflect.getMetadata('design:type', dto.prototype as object, rule.propertyName);
  if (typeof nested !== 'function' || nested === Array || nested === Object) {
    throw new Error(`${dto.name}.${rule.propertyName} needs @Type(() => Class) beside @ValidateNested()`);
  }
  return nested as DtoClass;
}

function usesTransformer(dto: DtoClass): boolean {
  return metadataOf(dto).some(({ propertyName }) => {
    const storage = defaultMetadataStorage;
    return (
      storage.findTypeMetadata(dto, propertyName) !== undefined ||
      storage.findTransformMetadatas(dto, propertyName, 2).length > 0 ||
      storage.findExposeMetadata(dto, propertyName) !== undefined ||
      storage.findExcludeMetadata(dto, propertyName) !== undefined
    );
  });
}

const text = (format?: string): JsonObject => (format ? { type: 'string', format } : { type: 'string' });

/** Where the library's conversion is stricter than the rule, or not of 2020-12: the rule itself is run afterwards. */
const LOOSER: Record<string, unknown> = {
  isDateString: text(),
  isIso8601: text(),
  isRFC3339: text(),
  isIp: text(),
  isUrl: text(),
  isBase64: text(),
  isEmail: text('email'),
  isMobilePhone: text(),
  isPhoneNumber: text(),
  isNumberString: text(),
  contains: text(),
  notContains: text(),
  isNotEmpty: (rule: Metadata) => {
    const type: unknown = Reflect.getMetadata(
      'design:type',
      (rule.target as DtoClass).prototype as object,
      rule.propertyName,
    );
    return type === String || rule.each ? { type: 'string', minLength: 1 } : {};
  },
  isEmpty: {},
  isEnum: (rule: Metadata) => ({ enum: enumValues(rule.constraints[0] as object) }),
  matches: (rule: Metadata) => ({ type: 'string', pattern: (rule.constraints[0] as RegExp).source }),
  [ValidationTypes.CUSTOM_VALIDATION]: (rule: Metadata) => {
    const type: unknown = Reflect.getMetadata(
      'design:type',
      (rule.target as DtoClass).prototype as object,
      rule.propertyName,
    );
    if (type === String) return { type: 'string' };
    if (type === Number) return { type: 'number' };
    return type === Boolean ? { type: 'boolean' } : {};
  },
};

/** The values of a TypeScript enum: a numeric one also maps back from number to name. */
function enumValues(values: object): unknown[] {
  return Object.entries(values)
    .filter(([key]) => Number.isNaN(Number(key)))
    .map(([, value]) => value as unknown);
}
