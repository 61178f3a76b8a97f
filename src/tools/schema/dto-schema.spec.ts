import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Expose, Transform, Type } from 'class-transformer';
import {
  IsArray,
  IsEmail,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  MinLength,
  Validate,
  ValidateIf,
  ValidateNested,
  ValidatorConstraint,
  type ValidatorConstraintInterface,
} from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import type { JsonObject } from '../../common/index.js';
import type { DtoClass } from '../tool-options.js';
import { type CompiledSchema, MAX_FAULTS } from './compiled-schema.js';
import { Describe } from './describe.decorator.js';
import { isDtoClass } from './dto-json-schema.js';
import { compileDto } from './dto-schema.js';

const dialect = new Ajv2020({ strict: false });

/** Compiles a class, and holds its schema against the meta-schema of 2020-12. */
function compile(dto: DtoClass): CompiledSchema {
  const schema = compileDto(dto);
  expect(dialect.validateSchema(schema.json)).toBe(true);
  return schema;
}

async function valueOf(schema: CompiledSchema, args: JsonObject): Promise<unknown> {
  const checked = await schema.check(args);
  if (!checked.isValid) throw new Error(checked.faults.join('; '));
  return checked.value;
}

async function faultsOf(schema: CompiledSchema, args: unknown): Promise<readonly string[]> {
  const checked = await schema.check(args);
  if (checked.isValid) throw new Error('It fits');
  return checked.faults;
}

class Point {
  @IsNumber() x!: number;
  @IsNumber() y!: number;
}

class Line {
  @ValidateNested() from!: Point;
  @ValidateNested() @Type(() => Point) to!: Point;
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => Point) over?: Point[];
}

class Tree {
  @IsString() name!: string;
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => Tree) children?: Tree[];
}

class Employee {
  @IsString() name!: string;
  @IsOptional() @ValidateNested() @Type(() => Team) team?: object;
}

class Team {
  @IsArray() @ValidateNested({ each: true }) @Type(() => Employee) members!: Employee[];
}

const other = (() => {
  class Point {
    @IsString() name!: string;
  }
  return { Point };
})();

class Places {
  @ValidateNested() @Type(() => Point) where!: Point;
  @ValidateNested() @Type(() => other.Point) called!: object;
}

class Base {
  @IsString() @MinLength(2) name!: string;
  @IsOptional() @IsInt() size?: number;
}

class Derived extends Base {
  @IsInt() age!: number;
}

class Narrowed extends Base {
  @IsIn(['ada', 'bob']) override name!: string;
}

describe('compileDto: the schema', () => {
  it('lists properties, what is required, and nothing else', () => {
    class Search {
      @IsString() @Length(1, 20) text!: string;
      @IsOptional() @Min(1) @Max(50) @IsInt() limit?: number;
    }
    expect(compile(Search).json).toEqual({
      type: 'object',
      properties: {
        text: { type: 'string', minLength: 1, maxLength: 20 },
        limit: { type: 'integer', minimum: 1, maximum: 50 },
      },
      required: ['text'],
      additionalProperties: false,
    });
  });

  it('has no list of what is required where nothing is', () => {
    class Nothing {
      @IsOptional() @IsString() text?: string;
    }
    expect(compile(Nothing).json).not.toHaveProperty('required');
  });

  it('says what a property is for', () => {
    class Search {
      @IsString()
      @Describe('What to look for', { examples: ['cats'] })
      text!: string;
    }
    expect(compile(Search).json['properties']).toEqual({
      text: { type: 'string', description: 'What to look for', examples: ['cats'] },
    });
  });

  it('keeps what a decorator says of the class', () => {
    @JSONSchema({ description: 'A search' })
    class Search {
      @IsString() text!: string;
    }
    expect(compile(Search).json).toMatchObject({ description: 'A search', type: 'object', required: ['text'] });
  });

  it('takes a class without a name', async () => {
    const Nameless = (() => {
      class Dto {
        @IsString() text!: string;
      }
      Object.defineProperty(Dto, 'name', { value: '' });
      return Dto;
    })();
    const schema = compile(Nameless);
    expect(schema.json).toMatchObject({ type: 'object', properties: { text: { type: 'string' } } });
    expect(await valueOf(schema, { text: 'x' })).toBeInstanceOf(Nameless);
  });

  it('defines a nested class once, however often it is used', () => {
    const { json } = compile(Line);
    expect(json).toMatchObject({
      properties: {
        from: { $ref: '#/$defs/Point' },
        to: { $ref: '#/$defs/Point' },
        over: { type: 'array', items: { $ref: '#/$defs/Point' } },
      },
      required: ['from', 'to'],
    });
    expect(Object.keys(json['$defs'] as object)).toEqual(['Point']);
  });

  it('tells two classes of one name apart', async () => {
    const schema = compile(Places);
    expect(schema.json['properties']).toEqual({
      where: { $ref: '#/$defs/Point' },
      called: { $ref: '#/$defs/Point2' },
    });
    expect(await valueOf(schema, { where: { x: 1, y: 2 }, called: { name: 'home' } })).toBeInstanceOf(Places);
    expect(await faultsOf(schema, { where: { name: 'home' }, called: { x: 1, y: 2 } })).toEqual(
      expect.arrayContaining(['where.x is required', 'called.name is required', 'called.x is not known']),
    );
  });

  it('takes a class that nests itself', async () => {
    const schema = compile(Tree);
    expect(schema.json['$defs']).toHaveProperty('Tree');
    const tree = { name: 'a', children: [{ name: 'b', children: [{ name: 'c' }] }] };
    const value = (await valueOf(schema, tree)) as Tree;
    expect(value.children?.[0]?.children?.[0]).toBeInstanceOf(Tree);
    expect(await faultsOf(schema, { name: 'a', children: [{ name: 'b', children: [{ name: 1 }] }] })).toEqual([
      'children.0.children.0.name must be string',
    ]);
  });

  it('takes classes that nest one another', async () => {
    const schema = compile(Team);
    expect(Object.keys(schema.json['$defs'] as object).sort()).toEqual(['Employee', 'Team']);
    const team = { members: [{ name: 'ada', team: { members: [{ name: 'bob' }] } }] };
    expect(await valueOf(schema, team)).toBeInstanceOf(Team);
    team.members[0]?.team.members.push({} as never);
    expect(await faultsOf(schema, team)).toEqual(['members.0.team.members.1.name is required']);
  });

  it('does not tell what a nested array holds when nobody said so', () => {
    class Lines {
      @ValidateNested({ each: true }) points!: Point[];
    }
    expect(() => compileDto(Lines)).toThrow('Lines.points needs @Type(() => Class) beside @ValidateNested()');
  });

  it('takes inherited properties, and a rule of the derived class in place of those it overrides', async () => {
    const derived = compile(Derived);
    expect(derived.json).toMatchObject({
      properties: { age: { type: 'integer' }, name: { type: 'string', minLength: 2 }, size: { type: 'integer' } },
    });
    expect([...(derived.json['required'] as string[])].sort()).toEqual(['age', 'name']);
    expect(await valueOf(derived, { age: 3, name: 'ada' })).toBeInstanceOf(Derived);
    const narrowed = compile(Narrowed);
    expect(narrowed.json['properties']).toMatchObject({ name: { type: 'string', enum: ['ada', 'bob'] } });
    expect((await narrowed.check({ name: 'cid' })).isValid).toBe(false);
    expect((await narrowed.check({ name: 'ada' })).isValid).toBe(true);
  });

  it('does not ask for a property that its class sets by itself', async () => {
    class Search {
      @IsString() text!: string;
      @IsInt() @Max(50) limit = 10;
      @IsString() order = '';
    }
    const schema = compile(Search);
    expect(schema.json['required']).toEqual(['text']);
    expect(await valueOf(schema, { text: 'x' })).toEqual({ text: 'x', limit: 10, order: '' });
    expect(await valueOf(schema, { text: 'x', limit: 5 })).toEqual({ text: 'x', limit: 5, order: '' });
    expect(await faultsOf(schema, { text: 'x', limit: 51 })).toEqual(['limit must be <= 50']);
  });

  it('the type stays to be seen where only class-validator can judge', () => {
    class Either {
      @IsString() kind!: string;
      @ValidateIf((either: Either) => either.kind === 'text') @IsString() text?: string;
      @Transform(({ value }) => Number(value)) @IsInt() count!: number;
      @IsEmail() mail!: string;
    }
    expect(compile(Either).json).toMatchObject({
      properties: {
        kind: { type: 'string' },
        text: { type: 'string' },
        count: { type: 'integer' },
        mail: { type: 'string', format: 'email' },
      },
      required: ['kind', 'count', 'mail'],
    });
  });

  it('knows a DTO class by its decorators', () => {
    class Plain {}
    expect([isDtoClass(Point), isDtoClass(Derived)]).toEqual([true, true]);
    expect([isDtoClass(Plain), isDtoClass(Object), isDtoClass(undefined), isDtoClass({}), isDtoClass(() => 1)]).toEqual(
      [false, false, false, false, false],
    );
  });
});

@ValidatorConstraint({ async: true })
class Taken implements ValidatorConstraintInterface {
  async validate(value: unknown): Promise<boolean> {
    return Promise.resolve(value !== 'taken');
  }

  defaultMessage(): string {
    return '$property is taken';
  }
}

describe('compileDto: the value', () => {
  it('D-14 does without class-validator where the schema says all', () => {
    for (const dto of [Point, Line, Tree, Team, Places, Derived]) {
      expect(compileDto(dto).check({})).not.toBeInstanceOf(Promise);
    }
    expect(compileDto(Point).check({ x: 1, y: 2 })).toEqual({ isValid: true, value: { x: 1, y: 2 } });
    expect(compileDto(Tree).check({ name: 'a' })).not.toBeInstanceOf(Promise);
  });

  it('D-14 asks class-validator after the schema, and only about what the schema lets through', () => {
    class Account {
      @IsString() @Validate(Taken) name!: string;
    }
    const schema = compileDto(Account);
    expect(schema.check({ name: 1 })).toEqual({ isValid: false, faults: ['name must be string'] });
    expect(schema.check({ name: 'x' })).toBeInstanceOf(Promise);
  });

  it.each([
    ['a flag', { rule: Matches(/^a$/i) }],
    ['decimal places', { rule: IsNumber({ maxDecimalPlaces: 1 }) }],
    ['a condition', { rule: ValidateIf(() => true) }],
    ['a format', { rule: IsEmail() }],
  ])('D-14 asks class-validator for %s', (_name, { rule }) => {
    class Dto {
      @IsOptional() p?: unknown;
    }
    rule(Dto.prototype, 'p');
    expect(compileDto(Dto).check({})).toBeInstanceOf(Promise);
  });

  it('D-14 asks class-validator about a nested class too', async () => {
    class Mail {
      @IsEmail() to!: string;
    }
    class Outbox {
      @ValidateNested({ each: true }) @Type(() => Mail) @IsArray() mails!: Mail[];
    }
    const schema = compileDto(Outbox);
    expect(await valueOf(schema, { mails: [{ to: 'a@example.com' }] })).toBeInstanceOf(Outbox);
    expect(await faultsOf(schema, { mails: [{ to: 'a@example.com' }, { to: 'b' }] })).toEqual([
      'mails.1.to must be an email',
    ]);
  });

  it('hands over instances, nested ones too', async () => {
    const line = (await valueOf(compileDto(Line), {
      from: { x: 0, y: 0 },
      to: { x: 1, y: 1 },
      over: [{ x: 2, y: 2 }],
    })) as Line;
    expect(line).toBeInstanceOf(Line);
    expect([line.to, line.over?.[0]].every((point) => point instanceof Point)).toBe(true);
    expect(await valueOf(compileDto(Point), { x: 1, y: 2 })).toBeInstanceOf(Point);
  });

  it('makes an instance of each call', async () => {
    const schema = compileDto(Point);
    const args = { x: 1, y: 2 };
    const first = await valueOf(schema, args);
    expect(first).not.toBe(await valueOf(schema, args));
    expect(first).not.toBe(args);
  });

  it('judges a transformed value by what it became', async () => {
    class Search {
      @Transform(({ value }) => (value as string).trim()) @Length(1, 5) text!: string;
      @Expose({ name: 'max' }) @IsInt() limit!: number;
    }
    const schema = compileDto(Search);
    expect(schema.json['properties']).toHaveProperty('max');
    expect(await valueOf(schema, { text: '   cats   ', max: 3 })).toEqual({ text: 'cats', limit: 3 });
    expect(await faultsOf(schema, { text: '    ', max: 3 })).toEqual([
      'text must be longer than or equal to 1 characters',
    ]);
    expect(await faultsOf(schema, { text: 'a', limit: 3 })).toEqual(
      expect.arrayContaining(['max is required', 'limit is not known']),
    );
  });

  it('names the property in each fault', async () => {
    class Account {
      @Validate(Taken) @IsString() name!: string;
      @IsInt() age!: number;
    }
    const schema = compileDto(Account);
    expect(await faultsOf(schema, { name: 1, extra: 2 })).toEqual([
      'age is required',
      'extra is not known',
      'name must be string',
    ]);
    expect(await faultsOf(schema, { name: 'taken', age: 1 })).toEqual(['name is taken']);
    expect(await faultsOf(schema, [])).toEqual(['the value must be object']);
    expect(await faultsOf(schema, null)).toEqual(['the value must be object']);
  });

  it('names no more faults than a model can use', async () => {
    class Many {
      @IsArray() @IsEmail({}, { each: true, message: 'each is no mail' }) mails!: string[];
      @IsArray() @ValidateNested({ each: true }) @Type(() => Point) points!: Point[];
    }
    const points = Array.from({ length: 20 }, () => ({}));
    expect(await faultsOf(compileDto(Many), { mails: [], points })).toHaveLength(MAX_FAULTS);

    class Mail {
      @IsEmail() to!: string;
    }
    class Outbox {
      @IsArray() @ValidateNested({ each: true }) @Type(() => Mail) mails!: Mail[];
    }
    const mails = Array.from({ length: 20 }, () => ({ to: 'x' }));
    expect(await faultsOf(compileDto(Outbox), { mails })).toHaveLength(MAX_FAULTS);
  });

  it('answers for a rule that throws at half a surrogate pair: that is a fault of the caller', async () => {
    class Mail {
      @IsEmail() to!: string;
    }
    class Outbox {
      @ValidateNested({ each: true }) @Type(() => Mail) @IsArray() mails!: Mail[];
    }
    const mails = [{ to: 'a@example.com' }, { to: '\ud800' }, { to: '\ude00@example.com' }];
    expect(await faultsOf(compileDto(Outbox), { mails })).toEqual([
      'mails.1.to must be well-formed Unicode',
      'mails.2.to must be well-formed Unicode',
    ]);
    // A whole pair is a character like any other.
    expect(await faultsOf(compileDto(Mail), { to: '\ud83d\ude00' })).toEqual(['to must be an email']);
  });

  it('passes on what a rule throws: that is no fault of the caller', async () => {
    @ValidatorConstraint({ async: true })
    class Broken implements ValidatorConstraintInterface {
      async validate(): Promise<boolean> {
        return Promise.reject(new Error('no database'));
      }
    }
    class Account {
      @Validate(Broken) name!: string;
    }
    await expect(compileDto(Account).check({ name: 'x' })).rejects.toThrow('no database');
  });
});
