import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../common/index.js';
import { type Checked, type CompiledSchema, MAX_FAULTS } from './compiled-schema.js';
import { compileJsonSchema } from './json-schema.js';

const object = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({ type: 'object', properties, ...more });
const faultsOf = (schema: CompiledSchema, value: unknown): readonly string[] => {
  const checked = schema.check(value) as Checked;
  return checked.isValid ? [] : checked.faults;
};

describe('compileJsonSchema', () => {
  it('hands over what fits as it came, and keeps the schema as it was written', () => {
    const schema = object({ text: { type: 'string' } });
    const compiled = compileJsonSchema(schema);
    const value = { text: 'x', more: [1] };
    expect(compiled.json).toBe(schema);
    expect(compiled.check(value)).toEqual({ isValid: true, value });
    expect((compiled.check(value) as { value: unknown }).value).toBe(value);
  });

  it.each([
    [{ required: ['text'] }, {}, ['text is required']],
    [{ additionalProperties: false }, { extra: 1 }, ['extra is not known']],
    [{ unevaluatedProperties: false }, { extra: 1 }, ['extra is not known']],
    [{}, { text: 1 }, ['text must be string']],
    [{}, { colour: 'pink' }, ['colour must be one of ["red","blue"]']],
    [{}, { inner: {} }, ['inner.name is required']],
    [{}, { inner: { name: 'x', more: 1 } }, ['inner.more is not known']],
    [{}, { list: [1, 'x'] }, ['list.1 must be integer']],
    [{}, 'text', ['the value must be object']],
    [{}, undefined, ['the value must be object']],
    [{ minProperties: 1 }, {}, ['the value must NOT have fewer than 1 properties']],
  ])('%j names the field that does not fit in %j', (more, value, faults) => {
    const inner = object({ name: { type: 'string' } }, { required: ['name'], additionalProperties: false });
    const list = { type: 'array', items: { type: 'integer' } };
    const schema = object({ text: { type: 'string' }, colour: { enum: ['red', 'blue'] }, inner, list }, more);
    expect(faultsOf(compileJsonSchema(schema), value)).toEqual(faults);
  });

  it('names several faults at once, and no more than a model can use', () => {
    const schema = compileJsonSchema(object({}, { required: ['a', 'b'], additionalProperties: false }));
    expect(faultsOf(schema, { c: 1 })).toEqual(['a is required', 'b is required', 'c is not known']);
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`k${i}`, i]));
    expect(faultsOf(schema, many)).toHaveLength(MAX_FAULTS);
  });

  it('follows references inside the schema, and to itself', () => {
    const schema = compileJsonSchema(
      object(
        { at: { $ref: '#/$defs/point' }, next: { $ref: '#' } },
        { $defs: { point: object({ x: { type: 'number' } }, { required: ['x'] }) } },
      ),
    );
    expect(faultsOf(schema, { at: { x: 1 }, next: { next: { at: { x: 2 } } } })).toEqual([]);
    expect(faultsOf(schema, { next: { at: {} } })).toEqual(['next.at.x is required']);
  });

  it('reads 2020-12 unless the schema says draft-07', () => {
    const pair = { type: 'array', prefixItems: [{ type: 'string' }, { type: 'number' }], items: false };
    const modern = compileJsonSchema(object({ pair }));
    expect(faultsOf(modern, { pair: ['a', 1] })).toEqual([]);
    expect(faultsOf(modern, { pair: ['a', 'b'] })).toEqual(['pair.1 must be number']);
    expect(faultsOf(modern, { pair: ['a', 1, 2] })).toHaveLength(1);
    for (const $schema of ['http://json-schema.org/draft-07/schema#', 'https://json-schema.org/draft-07/schema']) {
      const old = compileJsonSchema(
        object(
          { pair: { type: 'array', items: [{ type: 'string' }, { type: 'number' }], additionalItems: false } },
          { $schema, definitions: {} },
        ),
      );
      expect(faultsOf(old, { pair: ['a', 1] })).toEqual([]);
      expect(faultsOf(old, { pair: ['a', 'b'] })).toEqual(['pair.1 must be number']);
      expect(faultsOf(old, { pair: ['a', 1, 2] })).toHaveLength(1);
    }
    expect(() =>
      compileJsonSchema({ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' }),
    ).not.toThrow();
  });

  it('checks formats', () => {
    const schema = compileJsonSchema(object({ at: { type: 'string', format: 'date-time' } }));
    expect(faultsOf(schema, { at: '2026-01-01T00:00:00Z' })).toEqual([]);
    expect(faultsOf(schema, { at: 'tomorrow' })).toEqual(['at must match format "date-time"']);
  });

  it('takes keywords and formats that it does not know', () => {
    const schema = compileJsonSchema(object({ at: { type: 'string', format: 'mood', 'x-order': 1 } }));
    expect(faultsOf(schema, { at: 'happy' })).toEqual([]);
  });

  it.each([
    [{ type: 'objekt' }, /must be equal to one of the allowed values/],
    [object({ text: { minLength: -1 } }), /must be >= 0/],
    [object({ text: { $ref: '#/$defs/gone' } }), /can't resolve reference #\/\$defs\/gone/],
    [object({ text: { $ref: 'https://example.com/gone.json' } }), /can't resolve reference/],
    [object({ text: { pattern: '(' } }), /pattern|regular expression/i],
    [{ $schema: 'http://json-schema.org/draft-04/schema#', type: 'object' }, /draft-04/],
  ])('refuses %j', (schema, why) => {
    expect(() => compileJsonSchema(schema)).toThrow(why);
  });

  it('takes two schemas that bear one id', () => {
    const $id = 'https://example.com/args.json';
    const first = compileJsonSchema(
      object({ a: { $ref: `${$id}#/$defs/text` } }, { $id, $defs: { text: { type: 'string' } } }),
    );
    const second = compileJsonSchema(
      object({ a: { $ref: '#/$defs/text' } }, { $id, $defs: { text: { type: 'number' } } }),
    );
    expect([faultsOf(first, { a: 'x' }), faultsOf(first, { a: 1 })]).toEqual([[], ['a must be string']]);
    expect([faultsOf(second, { a: 1 }), faultsOf(second, { a: 'x' })]).toEqual([[], ['a must be number']]);
  });

  it('does not hold what it derived itself against the meta-schema', () => {
    expect(() => compileJsonSchema(object({}, { title: 5 }))).toThrow(/title/);
    expect(() => compileJsonSchema(object({}, { title: 5 }), true)).not.toThrow();
  });

  it('does not mix up the faults of two values', () => {
    const schema = compileJsonSchema(object({ a: { type: 'string' } }));
    const first = schema.check({ a: 1 });
    expect(schema.check({ a: 'x' })).toMatchObject({ isValid: true });
    expect(first).toEqual({ isValid: false, faults: ['a must be string'] });
  });
});
