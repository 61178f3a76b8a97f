import { describe, expect, it } from '@jest/globals';
import { IsString } from 'class-validator';
import * as z from 'zod';
import type { SchemaSource } from '../tool-options.js';
import { compileSchema } from './compile-schema.js';

class Greeting {
  @IsString() name!: string;
}

class Plain {
  name!: string;
}

describe('compileSchema', () => {
  it('takes no arguments where no schema is given', async () => {
    const schema = compileSchema(undefined, 'input');
    expect(schema.json).toEqual({ type: 'object', properties: {}, additionalProperties: false });
    expect(await schema.check({})).toEqual({ isValid: true, value: {} });
    expect(await schema.check({ a: 1 })).toEqual({ isValid: false, faults: ['a is not known'] });
  });

  it.each<[string, SchemaSource]>([
    ['a DTO class', Greeting],
    ['a Standard Schema', z.object({ name: z.string() })],
    ['JSON Schema', { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }],
  ])('takes %s', async (_form, source) => {
    const schema = compileSchema(source, 'input');
    expect(schema.json).toMatchObject({ type: 'object', properties: { name: { type: 'string' } }, required: ['name'] });
    expect(await schema.check({ name: 'ada' })).toEqual({ isValid: true, value: { name: 'ada' } });
    expect(await schema.check({ name: 1 })).toMatchObject({
      isValid: false,
      faults: [expect.stringMatching(/^name/)] as unknown,
    });
    expect(await schema.check({})).toMatchObject({ isValid: false });
  });

  it.each<[unknown, string | RegExp]>([
    [Plain, 'the class has no class-validator decorator'],
    [() => undefined, 'the class has no class-validator decorator'],
    ['text', 'a schema is a DTO class, a Standard Schema or a JSON Schema object'],
    [null, 'a schema is a DTO class, a Standard Schema or a JSON Schema object'],
    [['text'], 'a schema is a DTO class, a Standard Schema or a JSON Schema object'],
    [{ type: 'string' }, 'the schema must have type "object" at its root'],
    [{}, 'the schema must have type "object" at its root'],
    [z.string(), 'the schema must have type "object" at its root'],
    [z.union([z.object({}), z.object({})]), 'the schema must have type "object" at its root'],
    [{ type: 'object', properties: [] }, /properties must be object/],
  ])('refuses %p', (source, why) => {
    expect(() => compileSchema(source as SchemaSource, 'input')).toThrow(why);
  });

  it('takes the side that is asked for', () => {
    const source = z.object({ at: z.string().default('now') });
    expect(compileSchema(source, 'input').json).not.toHaveProperty('required');
    expect(compileSchema(source, 'output').json).toHaveProperty('required', ['at']);
  });
});
