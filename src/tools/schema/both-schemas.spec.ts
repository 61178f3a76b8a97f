import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import type { JsonObject } from '../../common/index.js';
import { bothSchemas } from './both-schemas.js';

const ajv = new Ajv2020({ strict: false, addUsedSchema: false });

const size = fc.nat(4);
const plain = fc.record(
  {
    type: fc.constantFrom('string', 'integer', 'number', 'array', 'boolean'),
    minLength: size,
    maxLength: size,
    minimum: size,
    exclusiveMaximum: size,
    minItems: size,
    maxItems: size,
    pattern: fc.constantFrom('a', 'b', '^.$'),
    enum: fc.uniqueArray(fc.constantFrom<unknown>('a', 'ab', 1, 2, null), { minLength: 1 }),
    not: fc.constantFrom({ type: 'null' }, { enum: ['a'] }, { type: 'integer' }),
    description: fc.constantFrom('one', 'other'),
  },
  { requiredKeys: [] },
);
const schemas: fc.Arbitrary<JsonObject> = fc.oneof(
  plain,
  fc.record({ type: fc.constant('array'), items: plain }),
  fc.record({ allOf: fc.array(plain, { minLength: 1, maxLength: 2 }), minLength: size }),
);
const values = fc.oneof(
  fc.constantFrom<unknown>(null, true, 'a', 'b', 'ab', 'aba', '', 0, 1, 2, 3, 1.5),
  fc.array(fc.constantFrom<unknown>('a', 'b', 'ab', 1, 2, 1.5, null), { maxLength: 5 }),
);

describe('bothSchemas', () => {
  it('takes what both take, and nothing else', () => {
    fc.assert(
      fc.property(schemas, schemas, fc.array(values, { minLength: 10, maxLength: 20 }), (one, other, samples) => {
        const takesBoth = ajv.compile(bothSchemas(one, other));
        const [takesOne, takesOther] = [ajv.compile(one), ajv.compile(other)];
        for (const value of samples) expect(takesBoth(value)).toBe(takesOne(value) && takesOther(value));
      }),
      { numRuns: 200 },
    );
  });

  it('says tighter bounds in one keyword, and leaves alone what is equal', () => {
    expect(
      bothSchemas({ type: 'number', minimum: 1, maximum: 9 }, { type: 'integer', minimum: 3, maximum: 10 }),
    ).toEqual({ type: 'integer', minimum: 3, maximum: 9 });
    expect(bothSchemas({ type: 'string', enum: ['a'] }, { type: 'string', enum: ['a'] })).toEqual({
      type: 'string',
      enum: ['a'],
    });
  });

  it('says apart what one keyword cannot say', () => {
    expect(bothSchemas(bothSchemas({ pattern: 'a' }, { pattern: 'b' }), { pattern: 'c' })).toEqual({
      pattern: 'a',
      allOf: [{ pattern: 'b' }, { pattern: 'c' }],
    });
  });

  it('changes neither of the two', () => {
    const one = Object.freeze({ items: Object.freeze({ minLength: 1 }), allOf: Object.freeze([]) });
    const other = Object.freeze({ items: Object.freeze({ minLength: 2 }), pattern: 'a' });
    expect(bothSchemas(one as unknown as JsonObject, other)).toMatchObject({ items: { minLength: 2 } });
  });
});
