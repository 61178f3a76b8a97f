import { FORMATS, type FormatName } from './formats.js';

interface CommonSpec {
  /** Environment variable. */
  readonly env: string;
  /** Flag of `gatehouse serve`, without the dashes. */
  readonly flag?: string;
  /** One sentence for the generated docs. */
  readonly doc: string;
  /** Never shown; also read from the file that `<env>_FILE` names. */
  readonly secret?: boolean;
  /** Older environment variables that are still read, best first. */
  readonly aliases?: readonly string[];
  /** Has no place in the settings file. */
  readonly notInFile?: boolean;
}

/** A whole number; out of range it is clamped, or refused when `strict`. */
export interface IntSpec extends CommonSpec {
  readonly kind: 'int';
  readonly default?: number;
  readonly min: number;
  readonly max: number;
  readonly unit?: string;
  readonly strict?: boolean;
}

/** On or off. */
export interface BoolSpec extends CommonSpec {
  readonly kind: 'bool';
  readonly default?: boolean;
}

/** One of a few words, in any case. */
export interface EnumSpec extends CommonSpec {
  readonly kind: 'enum';
  readonly default?: string;
  readonly values: readonly string[];
  /** Other words for a value, lower case. */
  readonly synonyms?: Readonly<Record<string, string>>;
}

/** Words without repeats, in the order given. */
export interface ListSpec extends CommonSpec {
  readonly kind: 'list';
  readonly default?: readonly string[];
  readonly values?: readonly string[];
  readonly format?: FormatName;
  readonly minItems?: number;
}

/** Text, taken as it is written. */
export interface TextSpec extends CommonSpec {
  readonly kind: 'text';
  readonly default?: string;
  readonly format?: FormatName;
  /** Characters, >= 0. */
  readonly minLength?: number;
  readonly maxLength?: number;
}

/** What a decorator declares about one setting. */
export type SettingSpec = IntSpec | BoolSpec | EnumSpec | ListSpec | TextSpec;

/** A setting in its place in the schema. */
export type Setting = SettingSpec & {
  /** Name in the settings file: `group.property`. */
  readonly key: string;
  readonly property: string;
};

/** What a value must be, to follow "must be" or "from the set"; never holds a value that somebody gave. */
export function expectation(spec: SettingSpec): string {
  switch (spec.kind) {
    case 'int':
      return `a whole number from ${spec.min} to ${spec.max}`;
    case 'bool':
      return 'true or false (or 1, yes, on, 0, no, off)';
    case 'enum':
      return `one of: ${spec.values.join(', ')}`;
    case 'list':
      return listExpectation(spec);
    case 'text':
      return spec.format ? FORMATS[spec.format].expected : lengthExpectation(spec);
  }
}

function listExpectation(spec: ListSpec): string {
  if (spec.values) return `a list of one or more of: ${spec.values.join(', ')}`;
  return spec.format ? `a list, each item ${FORMATS[spec.format].expected}` : 'a list of words';
}

function lengthExpectation(spec: TextSpec): string {
  return spec.maxLength === undefined ? 'text' : `text of ${spec.minLength ?? 0} to ${spec.maxLength} characters`;
}
