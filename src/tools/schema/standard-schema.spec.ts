import { describe, expect, it } from '@jest/globals';
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as z from 'zod';
import { MAX_FAULTS } from './compiled-schema.js';
import { compileStandardSchema, isStandardSchema } from './standard-schema.js';

const dialect = new Ajv2020({ strict: false });

const search = z.object({
  text: z.string().min(1).describe('What to look for'),
  limit: z.number().int().max(50).default(10),
  tags: z.array(z.object({ name: z.string() })).optional(),
});

type Standard = StandardSchemaV1.Props & StandardJSONSchemaV1.Props;

/** As a library other than zod would write it: asynchronous, with a path of objects. */
function handWritten(issues: readonly StandardSchemaV1.Issue[] = []): StandardSchemaV1 {
  const json = { type: 'object', properties: { name: { type: 'string' } } };
  const standard: Standard = {
    version: 1,
    vendor: 'ours',
    validate: async (value) =>
      Promise.resolve(issues.length > 0 ? { issues } : { value: { ...(value as object), isChecked: true } }),
    jsonSchema: {
      input: ({ target }) => ({ ...json, $comment: `input ${target}` }),
      output: ({ target }) => ({ ...json, $comment: `output ${target}` }),
    },
  };
  return { '~standard': standard };
}

describe('compileStandardSchema', () => {
  it('writes JSON Schema 2020-12 of the side that is asked for', () => {
    const input = compileStandardSchema(search, 'input');
    expect(dialect.validateSchema(input.json)).toBe(true);
    expect(input.json).toMatchObject({
      type: 'object',
      properties: {
        text: { type: 'string', minLength: 1, description: 'What to look for' },
        limit: { type: 'integer', maximum: 50, default: 10 },
      },
      required: ['text'],
    });
    const output = compileStandardSchema(search, 'output');
    expect(dialect.validateSchema(output.json)).toBe(true);
    expect(output.json).toMatchObject({ required: ['text', 'limit'], additionalProperties: false });
  });

  it('hands over what the library made of the value', async () => {
    const schema = compileStandardSchema(search, 'input');
    expect(await schema.check({ text: 'x', more: 1 })).toEqual({ isValid: true, value: { text: 'x', limit: 10 } });
  });

  it('answers at once where the library does', () => {
    expect(compileStandardSchema(search, 'input').check({ text: 'x' })).not.toBeInstanceOf(Promise);
  });

  it('names the field in each fault', async () => {
    const schema = compileStandardSchema(search, 'input');
    expect(await schema.check({ text: 1, tags: [{ name: 'a' }, {}] })).toEqual({
      isValid: false,
      faults: [
        'text: Invalid input: expected string, received number',
        'tags.1.name: Invalid input: expected string, received undefined',
      ],
    });
    expect(await schema.check(null)).toEqual({
      isValid: false,
      faults: ['Invalid input: expected object, received null'],
    });
  });

  it('takes rules that need time', async () => {
    const taken = search.refine(async ({ text }) => Promise.resolve(text !== 'taken'), 'It is taken');
    const schema = compileStandardSchema(taken, 'input');
    expect(await schema.check({ text: 'taken' })).toEqual({ isValid: false, faults: ['It is taken'] });
    expect(await schema.check({ text: 'free' })).toMatchObject({ isValid: true });
  });

  it('takes any library that follows the standard', async () => {
    const schema = compileStandardSchema(handWritten(), 'input');
    expect(schema.json).toMatchObject({ $comment: 'input draft-2020-12' });
    expect(compileStandardSchema(handWritten(), 'output').json).toMatchObject({ $comment: 'output draft-2020-12' });
    expect(await schema.check({ name: 'ada' })).toEqual({ isValid: true, value: { name: 'ada', isChecked: true } });
  });

  it('reads paths of keys and of objects, of texts, numbers and symbols', async () => {
    const issues = [
      { message: 'is bad', path: [{ key: 'list' }, { key: 0 }, 'name'] },
      { message: 'is worse', path: [Symbol('odd')] },
      { message: 'All is bad' },
      { message: 'Nothing is good', path: [] },
    ];
    expect(await compileStandardSchema(handWritten(issues), 'input').check({})).toEqual({
      isValid: false,
      faults: ['list.0.name: is bad', 'Symbol(odd): is worse', 'All is bad', 'Nothing is good'],
    });
  });

  it('names no more faults than a model can use', async () => {
    const issues = Array.from({ length: 50 }, (_, i) => ({ message: `${i}` }));
    const checked = await compileStandardSchema(handWritten(issues), 'input').check({});
    expect(checked.isValid ? [] : checked.faults).toHaveLength(MAX_FAULTS);
  });

  it('refuses a library that cannot write JSON Schema, and a schema that has none', () => {
    const { vendor, version, validate } = handWritten()['~standard'];
    expect(() => compileStandardSchema({ '~standard': { vendor, version, validate } }, 'input')).toThrow(
      'a schema of ours that cannot be written as JSON Schema: give JSON Schema instead',
    );
    expect(() => compileStandardSchema(z.object({ at: z.date() }), 'input')).toThrow(/Date cannot be represented/);
  });

  it('knows a schema by its mark, be it an object or a function', () => {
    const callable = Object.assign(() => undefined, handWritten());
    expect([search, handWritten(), callable].map(isStandardSchema)).toEqual([true, true, true]);
    expect([undefined, null, 'x', {}, () => 1].map(isStandardSchema)).toEqual([false, false, false, false, false]);
  });
});
