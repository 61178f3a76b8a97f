import { describe, expect, it } from '@jest/globals';
import { headerParametersOf } from './header-parameters.js';

const object = (properties: object): Record<string, unknown> => ({ type: 'object', properties });

describe('headerParametersOf', () => {
  it('finds marked arguments, however deep in objects', () => {
    const schema = object({
      region: { type: 'string', 'x-mcp-header': 'Region' },
      plain: { type: 'string' },
      at: object({
        zone: { type: 'integer', 'x-mcp-header': 'Zone-Id' },
        is: { type: 'boolean', 'x-mcp-header': 'x' },
      }),
      odd: true,
    });
    expect(headerParametersOf(schema)).toEqual([
      { header: 'mcp-param-region', path: ['region'] },
      { header: 'mcp-param-zone-id', path: ['at', 'zone'] },
      { header: 'mcp-param-x', path: ['at', 'is'] },
    ]);
  });

  it('finds none where there is none', () => {
    expect(headerParametersOf({ type: 'object' })).toEqual([]);
    expect(headerParametersOf(object({ a: { type: 'string', description: 'x-mcp-header' } }))).toEqual([]);
  });

  it.each([
    [object({ a: { type: 'string', 'x-mcp-header': 'no header' } }), 'x-mcp-header of a is no header name'],
    [object({ a: { type: 'string', 'x-mcp-header': '' } }), 'x-mcp-header of a is no header name'],
    [object({ a: { type: 'string', 'x-mcp-header': 5 } }), 'x-mcp-header of a is no header name'],
    [object({ a: { type: 'string', 'x-mcp-header': 'a\r\nb' } }), 'x-mcp-header of a is no header name'],
    [object({ a: { type: 'number', 'x-mcp-header': 'A' } }), 'a has x-mcp-header and is no string, integer or boolean'],
    [object({ a: { 'x-mcp-header': 'A' } }), 'a has x-mcp-header and is no string, integer or boolean'],
    [
      object({ a: { type: 'string', 'x-mcp-header': 'A' }, b: { type: 'string', 'x-mcp-header': 'a' } }),
      'x-mcp-header must be unique within the schema',
    ],
    [
      object({ a: { type: 'array', items: { type: 'string', 'x-mcp-header': 'A' } } }),
      'x-mcp-header may stand only on a property that is reached by properties alone',
    ],
    [
      { ...object({}), $defs: { a: { type: 'string', 'x-mcp-header': 'A' } } },
      'x-mcp-header may stand only on a property that is reached by properties alone',
    ],
  ])('refuses %j', (schema, why) => {
    expect(() => headerParametersOf(schema)).toThrow(why);
  });
});
