import {
  ArrayMinSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Max,
  Min,
  ValidateBy,
  type ValidationOptions,
} from 'class-validator';
import { FORMATS, type FormatName } from './formats.js';
import {
  type BoolSpec,
  type EnumSpec,
  expectation,
  type IntSpec,
  type ListSpec,
  type SettingSpec,
  type TextSpec,
} from './setting-spec.js';

/** A class whose properties are settings. */
export type SettingsClass = new () => object;

const declared = new WeakMap<object, Map<string, SettingSpec>>();

/** The settings that a class declares, by property, in the order written. */
export function declaredSettings(settingsClass: SettingsClass): ReadonlyMap<string, SettingSpec> {
  return declared.get(settingsClass) ?? new Map<string, SettingSpec>();
}

/** A whole number. Out of range it is clamped with a warning; `strict` refuses it (K-24). */
export function Int(options: Omit<IntSpec, 'kind'>): PropertyDecorator {
  return declare({ kind: 'int', ...options }, (message) => [
    IsInt(message),
    Min(options.min, message),
    Max(options.max, message),
  ]);
}

/** True, 1, yes, on; false, 0, no, off; in any case. */
export function Bool(options: Omit<BoolSpec, 'kind'>): PropertyDecorator {
  return declare({ kind: 'bool', ...options }, (message) => [IsBoolean(message)]);
}

/** One of `values`, in any case. */
export function Enum(options: Omit<EnumSpec, 'kind'>): PropertyDecorator {
  return declare({ kind: 'enum', ...options }, (message) => [IsIn(options.values, message)]);
}

/** A comma separated list; each item one of `values`, or of one format. */
export function List(options: Omit<ListSpec, 'kind'>): PropertyDecorator {
  return declare({ kind: 'list', default: [], ...options }, (message) => {
    const each = { ...message, each: true };
    return [
      IsArray(message),
      ...(options.minItems === undefined ? [] : [ArrayMinSize(options.minItems, message)]),
      IsString(each),
      ...(options.values ? [IsIn(options.values, each)] : []),
      ...(options.format ? [HasFormat(options.format, each)] : []),
    ];
  });
}

/** Text of a length or a format. */
export function Text(options: Omit<TextSpec, 'kind'>): PropertyDecorator {
  return declare({ kind: 'text', ...options }, (message) => [
    IsString(message),
    ...(options.maxLength === undefined ? [] : [Length(options.minLength ?? 0, options.maxLength, message)]),
    ...(options.format ? [HasFormat(options.format, message)] : []),
  ]);
}

/** A path as the operating system takes it. Whether it exists is the business of who opens it. */
export function Path(options: Omit<TextSpec, 'kind' | 'format'>): PropertyDecorator {
  return Text({ ...options, format: 'path' });
}

/** An http or https URL without credentials. */
export function Url(options: Omit<TextSpec, 'kind' | 'format'>): PropertyDecorator {
  return Text({ ...options, format: 'url' });
}

function HasFormat(format: FormatName, options: ValidationOptions): PropertyDecorator {
  const validate = (value: unknown): boolean => typeof value === 'string' && FORMATS[format].accepts(value);
  return ValidateBy({ name: `format:${format}`, validator: { validate } }, options);
}

/** Enters a setting in the schema and puts its rules on the property: both from the one declaration. */
function declare(
  spec: SettingSpec,
  rules: (message: { readonly message: string }) => readonly PropertyDecorator[],
): PropertyDecorator {
  return (prototype, property) => {
    const settingsClass = prototype.constructor;
    const settings = declared.get(settingsClass) ?? new Map<string, SettingSpec>();
    declared.set(settingsClass, settings.set(String(property), spec));
    const required = spec.default === undefined ? [IsOptional()] : [];
    for (const rule of [...required, ...rules({ message: expectation(spec) })]) rule(prototype, property);
  };
}
