import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { default as addFormats } from 'ajv-formats';
import { Expose, plainToInstance, Transform, Type } from 'class-transformer';
import * as is from 'class-validator';
import fc from 'fast-check';
import type { JsonObject } from '../../common/index.js';
import type { DtoClass } from '../tool-options.js';
import { compileDto } from './dto-schema.js';

enum Colour {
  Red = 'red',
  Blue = 'blue',
}

enum Level {
  Low,
  High = 5,
}

/** As `as const` objects are written; a key that looks like a number is no way back from one. */
const STEPS = { 1: 'one', 2: 'two', more: 'more' } as const;

class Inner {
  @is.IsString() a!: string;
  @is.IsOptional() @is.IsInt() b?: number;
}

@is.ValidatorConstraint({ name: 'even' })
class Even implements is.ValidatorConstraintInterface {
  validate(value: unknown): boolean {
    return typeof value === 'number' && value % 2 === 0;
  }
}

@is.ValidatorConstraint({ name: 'slowlyShort', async: true })
class SlowlyShort implements is.ValidatorConstraintInterface {
  async validate(value: unknown): Promise<boolean> {
    return typeof value === 'string' && value.length < 3;
  }
}

/** As the documentation of class-validator writes its own decorator. */
function IsLongerThan(length: number): PropertyDecorator {
  return (target, propertyName) =>
    is.registerDecorator({
      name: 'isLongerThan',
      target: target.constructor,
      propertyName: String(propertyName),
      constraints: [length],
      validator: {
        validate: (value: unknown, args) =>
          typeof value === 'string' && value.length > ((args as is.ValidationArguments).constraints[0] as number),
      },
    });
}

interface Case {
  /** What TypeScript would emit as the type of the property. */
  readonly type: unknown;
  /** In the order in which they are written. */
  readonly rules: readonly PropertyDecorator[];
  /** What the schema refuses and class-validator would take, on purpose. */
  readonly stricter?: (value: unknown) => boolean;
  /** Name of the property on the wire. */
  readonly name?: string;
}

const text = (...rules: PropertyDecorator[]): Case => ({ type: String, rules });
const number = (...rules: PropertyDecorator[]): Case => ({ type: Number, rules });
const list = (...rules: PropertyDecorator[]): Case => ({ type: Array, rules });
const mixed = (...rules: PropertyDecorator[]): Case => ({ type: Object, rules });
const strictly = (stricter: (value: unknown) => boolean, of: Case): Case => ({ ...of, stricter });

const isAbsent = (value: unknown): boolean => value === undefined;
const isNoText = (value: unknown): boolean => typeof value !== 'string';
const holdsList = (value: unknown): boolean => Array.isArray(value) && value.some(Array.isArray);
const each = { each: true } as const;

const CASES: Readonly<Record<string, Case>> = {
  IsString: text(is.IsString()),
  IsBoolean: { type: Boolean, rules: [is.IsBoolean()] },
  IsInt: number(is.IsInt()),
  IsNumber: number(is.IsNumber()),
  'IsNumber with decimal places': number(is.IsNumber({ maxDecimalPlaces: 2 })),
  'Min above IsInt': number(is.Min(1), is.IsInt()),
  'IsInt above Min and Max': number(is.IsInt(), is.Min(1), is.Max(6)),
  'IsNumber above IsInt': number(is.IsNumber(), is.IsInt()),
  'Min alone': number(is.Min(2)),
  IsPositive: number(is.IsPositive()),
  'IsNegative and IsInt': number(is.IsNegative(), is.IsInt()),
  IsDivisibleBy: strictly((value) => Math.abs(Number(value)) > 1e21, number(is.IsDivisibleBy(3))),
  Length: text(is.Length(1, 3)),
  'Length without an end': text(is.Length(2)),
  MinLength: text(is.MinLength(2)),
  MaxLength: text(is.MaxLength(2)),
  'IsNotEmpty above MinLength': text(is.IsNotEmpty(), is.MinLength(3)),
  'MinLength above IsNotEmpty': text(is.MinLength(3), is.IsNotEmpty()),
  'IsNotEmpty of anything': mixed(is.IsNotEmpty()),
  'IsNotEmpty above IsInt': number(is.IsNotEmpty(), is.IsInt()),
  'IsNotEmpty of each number': list(is.IsArray(), is.IsNotEmpty(each), is.IsNumber({}, each)),
  'IsNotEmpty of each text': list(is.IsArray(), is.IsString(each), is.IsNotEmpty(each)),
  IsDefined: mixed(is.IsDefined()),
  'IsDefined and IsString': text(is.IsDefined(), is.IsString()),
  IsEmpty: mixed(is.IsEmpty()),
  Equals: text(is.Equals('x')),
  'Equals null': mixed(is.Equals(null)),
  NotEquals: strictly(isAbsent, text(is.NotEquals('x'))),
  Matches: text(is.Matches(/^[a-z]+\d?$/)),
  'Matches twice': text(is.Matches(/[a-z]/), is.Matches(/[0-9]/)),
  'Matches with the flag i': text(is.Matches(/^abc$/i)),
  'Matches with the flag u': text(is.Matches(/^\p{L}+$/u)),
  'Matches with the flag s': text(is.Matches(/^a.b$/s)),
  'Matches that has needless backslashes': text(is.Matches(new RegExp('^a\\-[b\\_]$'))),
  Contains: text(is.Contains('a.b')),
  NotContains: text(is.NotContains('a.b')),
  'IsEnum of texts': text(is.IsEnum(Colour)),
  'IsEnum of numbers': strictly((value) => value === 'Low' || value === 'High', number(is.IsEnum(Level))),
  'IsEnum of an object': text(is.IsEnum(STEPS)),
  'IsEnum of each': list(is.IsArray(), is.IsEnum(Colour, each)),
  IsIn: text(is.IsIn(['a', 'b'])),
  'IsIn of mixed values': mixed(is.IsIn(['a', 1, true, null])),
  'IsIn twice': text(is.IsIn(['a', 'b', 'x']), is.IsIn(['b', 'x'])),
  IsNotIn: strictly(isAbsent, text(is.IsNotIn(['x']))),
  IsArray: list(is.IsArray()),
  'IsArray of texts': list(is.IsArray(), is.IsString(each)),
  'IsArray of bounded integers': list(is.IsArray(), is.Min(1, each), is.IsInt(each), is.Max(6, each)),
  'ArrayNotEmpty above ArrayMinSize': list(is.ArrayNotEmpty(), is.ArrayMinSize(2)),
  'ArrayMinSize and ArrayMaxSize': list(is.ArrayMinSize(1), is.ArrayMaxSize(2)),
  'ArrayUnique of texts': list(is.ArrayUnique(), is.IsString(each)),
  ArrayContains: list(is.ArrayContains(['a'])),
  IsObject: mixed(is.IsObject()),
  IsNotEmptyObject: mixed(is.IsNotEmptyObject()),
  IsOptional: strictly((value) => value === null, text(is.IsOptional(), is.IsString())),
  ValidateIf: text(
    is.ValidateIf((object: { p?: unknown }) => object.p !== 'x' && object.p !== 1),
    is.IsInt(),
  ),
  'validateIf of one rule': text(is.IsString({ validateIf: (_object, value) => value !== 1 }), is.IsDefined()),
  IsEmail: text(is.IsEmail()),
  'IsEmail without top-level domain': text(is.IsEmail({ require_tld: false })),
  IsUrl: text(is.IsUrl()),
  IsUUID: text(is.IsUUID()),
  'IsUUID of version 4, each': list(is.IsArray(), is.IsUUID('4', each)),
  IsDateString: text(is.IsDateString()),
  IsISO8601: text(is.IsISO8601()),
  'IsDate with Type': strictly(isNoText, { type: Date, rules: [Type(() => Date), is.IsDate()] }),
  'MinDate with Type': strictly(isNoText, { type: Date, rules: [Type(() => Date), is.MinDate(new Date(0))] }),
  IsBooleanString: text(is.IsBooleanString()),
  IsNumberString: text(is.IsNumberString()),
  'IsAlpha of a locale': text(is.IsAlpha('de-DE')),
  'IsAlphanumeric of a locale': text(is.IsAlphanumeric('de-DE')),
  IsHexColor: text(is.IsHexColor()),
  IsHexadecimal: text(is.IsHexadecimal()),
  IsFQDN: text(is.IsFQDN()),
  'IsFQDN with underscores': text(is.IsFQDN({ allow_underscores: true, require_tld: false })),
  IsIP: text(is.IsIP()),
  IsPort: text(is.IsPort()),
  IsJSON: text(is.IsJSON()),
  IsJWT: text(is.IsJWT()),
  IsMongoId: text(is.IsMongoId()),
  IsMilitaryTime: text(is.IsMilitaryTime()),
  IsSemVer: text(is.IsSemVer()),
  IsLowercase: text(is.IsLowercase()),
  IsPhoneNumber: text(is.IsPhoneNumber('DE')),
  'a validator of ours': number(is.Validate(Even)),
  'a validator of ours, asynchronous': text(is.Validate(SlowlyShort)),
  'a decorator of ours': text(IsLongerThan(2)),
  'a validator of ours, each': list(is.IsArray(), is.Validate(Even, each)),
  Allow: strictly(isAbsent, mixed(is.Allow())),
  ValidateNested: strictly((value) => isAbsent(value) || Array.isArray(value), {
    type: Inner,
    rules: [is.ValidateNested(), Type(() => Inner)],
  }),
  'ValidateNested of each': strictly(
    holdsList,
    list(
      is.IsArray(),
      is.ValidateNested(each),
      Type(() => Inner),
    ),
  ),
  'ValidateNested of an array, without each': strictly(
    holdsList,
    list(
      is.IsArray(),
      is.ValidateNested(),
      Type(() => Inner),
    ),
  ),
  'Transform that trims': text(trimmed(), is.Length(1, 3)),
  'Transform that makes a number': number(asNumber(), is.IsInt(), is.Max(6)),
  Expose: text(Expose(), is.IsString()),
  'Expose under a name': { ...text(Expose({ name: 'q' }), is.IsString()), name: 'q' },
};

function trimmed(): PropertyDecorator {
  return Transform(({ value }) => (typeof value === 'string' ? value.trim() : (value as unknown)));
}

function asNumber(): PropertyDecorator {
  return Transform(({ value }) => (typeof value === 'string' ? Number(value) : (value as unknown)));
}

/** A class with one property `p` under these decorators, as TypeScript would emit it. */
function dtoOf({ type, rules }: Case): DtoClass {
  class Dto {}
  Reflect.defineMetadata('design:type', type, Dto.prototype, 'p');
  for (const rule of [...rules].reverse()) rule(Dto.prototype, 'p');
  return Dto;
}

// One or more that each rule takes, and that each refuses; `undefined` leaves the property out.
const SAMPLES: readonly unknown[] = [
  ...[undefined, null, true, false, 0, 1, 2, 3, 5, 6, 7, -1, 1.5, 1.25, 1.234, -0.5, 1e300],
  ...['', ' ', 'a', 'ab', 'abc', 'ABC', 'abcd', ' a ', '  abc  ', 'a1', 'a.b', 'axb', 'a\nb', 'a-b', 'a-_', 'x', 'y'],
  ...[
    'red',
    'Red',
    'one',
    'more',
    '1',
    'Low',
    'High',
    'äö',
    'é',
    'я',
    '😀',
    '😀😀😀',
    'null',
    'true',
    'yes',
    '0x1f',
    '5',
  ],
  ...['x@y.z', 'ü@example.com', 'user@localhost', 'user@example.com', 'example.com', 'münchen.de', 'a_b', 'a_b.com'],
  ...['http://example.com', 'https://example.com/a?b#c', 'ftp://x', '127.0.0.1', '::1', '8080', '70000', '{"a":1}'],
  ...['123e4567-e89b-12d3-a456-426614174000', '123e4567-e89b-42d3-a456-426614174000', '#fff', '#ffff', '#aabbccdd'],
  ...['2020-01-01', '2020-01-01T00:00:00', '2020-01-01T00:00:00Z', '2020-02-30', '1969-12-31', '2020-W01', '12:30'],
  ...['507f1f77bcf86cd799439011', '1.2.3', '+4917612345678', 'eyJhbGciOiJIUzI1NiJ9.e30.x', '+5', '1e3'],
  ...[[], ['a'], ['a', 'b'], ['a', 'a'], ['b', 'c', 'd'], [''], [null], [1], [1, 2], [2, 4], [7], [1.5], ['red']],
  ...[['123e4567-e89b-42d3-a456-426614174000'], ['123e4567-e89b-12d3-a456-426614174000'], [[]], [true]],
  ...[{}, { a: 'x' }, { a: 1 }, { a: 'x', b: 1 }, { a: 'x', c: 1 }, [{ a: 'x' }], [{ a: 1 }], [{}], [{ a: 'x', c: 1 }]],
];
const values = fc.oneof(
  { arbitrary: fc.constantFrom(...SAMPLES), weight: 4 },
  { arbitrary: fc.string({ maxLength: 5 }), weight: 1 },
  {
    arbitrary: fc.oneof(
      fc.integer({ min: -3, max: 9 }),
      fc.integer().map((n) => n / 1_000),
    ),
    weight: 1,
  },
  { arbitrary: fc.array(fc.oneof(fc.constantFrom(...SAMPLES.slice(1)), fc.integer()), { maxLength: 3 }), weight: 1 },
);

/** What class-validator says of JSON, with `whitelist`, on what class-transformer makes of it. */
async function isTaken(dto: DtoClass, json: JsonObject): Promise<boolean> {
  const options = { whitelist: true, forbidNonWhitelisted: true, forbidUnknownValues: false };
  return (await is.validate(plainToInstance(dto, structuredClone(json)), options)).length === 0;
}

describe('DTO tools: schema and class-validator agree', () => {
  const dialect = addFormats.default(new Ajv2020({ strict: false }));

  it.each(Object.entries(CASES))('on %s', async (_name, rule) => {
    const dto = dtoOf(rule);
    const schema = compileDto(dto);
    expect(dialect.validateSchema(schema.json)).toBe(true);
    const seen = new Set<boolean>();
    const agree = async (value: unknown): Promise<void> => {
      const args = value === undefined ? {} : (JSON.parse(JSON.stringify({ [rule.name ?? 'p']: value })) as JsonObject);
      const taken = await isTaken(dto, args);
      const { isValid } = await schema.check(args);
      seen.add(isValid);
      if (rule.stricter?.(value) && taken) expect({ args, isValid }).toEqual({ args, isValid: false });
      else expect({ args, isValid }).toEqual({ args, isValid: taken });
    };
    for (const sample of SAMPLES) await agree(sample);
    await fc.assert(fc.asyncProperty(values, agree), { numRuns: 60 });
    // Samples that are all taken, or all refused, would prove nothing.
    expect([...seen].sort()).toEqual([false, true]);
    // 5.1: what the class does not know is refused, whatever it is.
    const unknown = { isValid: false, faults: expect.arrayContaining(['unknown is not known']) as unknown };
    expect(await schema.check({ p: 'x', unknown: 1 })).toMatchObject(unknown);
  });
});
