import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { toFailedResult, toToolResult } from './tool-result.js';

const text = (value: string) => ({ type: 'text', text: value });

describe('toToolResult', () => {
  it.each<[string, unknown, unknown[]]>([
    ['a string', 'hi', [text('hi')]],
    ['an empty string', '', [text('')]],
    ['nothing', undefined, []],
    ['null', null, []],
    ['a number', 1.5, [text('1.5')]],
    ['NaN', Number.NaN, [text('NaN')]],
    ['a boolean', false, [text('false')]],
    ['a bigint', 10n ** 30n, [text('1000000000000000000000000000000')]],
    ['a symbol', Symbol('x'), [text('')]],
    ['a function', () => 1, [text('')]],
    ['a plain object', { a: 1, b: undefined }, [text('{"a":1}')]],
    ['an object with a type of its own', { type: 'text', size: 3 }, [text('{"type":"text","size":3}')]],
    ['an object with content of its own', { content: 'words' }, [text('{"content":"words"}')]],
    ['an object with a list of its own', { content: ['words'] }, [text('{"content":["words"]}')]],
    ['a date', new Date(0), [text('"1970-01-01T00:00:00.000Z"')]],
    ['an empty array', [], []],
    ['an array of values', [1, 'a', null], [text('[1,"a",null]')]],
    ['an array of objects', [{ a: 1 }], [text('[{"a":1}]')]],
    ['an array of blocks and values', [text('a'), 'b'], [text('[{"type":"text","text":"a"},"b"]')]],
    ['a block', text('a'), [text('a')]],
    ['blocks', [text('a'), text('b')], [text('a'), text('b')]],
    [
      'an image',
      { type: 'image', data: 'AA==', mimeType: 'image/png' },
      [{ type: 'image', data: 'AA==', mimeType: 'image/png' }],
    ],
    [
      'audio',
      { type: 'audio', data: 'AA==', mimeType: 'audio/wav' },
      [{ type: 'audio', data: 'AA==', mimeType: 'audio/wav' }],
    ],
    [
      'an embedded resource',
      { type: 'resource', resource: { uri: 'a://1', text: 'x' } },
      [{ type: 'resource', resource: { uri: 'a://1', text: 'x' } }],
    ],
    [
      'a link',
      { type: 'resource_link', uri: 'a://1', name: 'one' },
      [{ type: 'resource_link', uri: 'a://1', name: 'one' }],
    ],
    ['half an image', { type: 'image', data: 'AA==' }, [text('{"type":"image","data":"AA=="}')]],
    ['half a resource', { type: 'resource', resource: {} }, [text('{"type":"resource","resource":{}}')]],
    ['half a link', { type: 'resource_link', uri: 'a://1' }, [text('{"type":"resource_link","uri":"a://1"}')]],
  ])('takes %s', (_name, value, content) => {
    const result = toToolResult(value, false);
    expect(result).toEqual({ content });
    expect(CallToolResultSchema.safeParse(result).success).toBe(true);
  });

  it('takes a whole result as it is', () => {
    const whole = {
      content: [text('a')],
      structuredContent: { a: 1 },
      isError: true,
      _meta: { mine: 1 },
    };
    expect(toToolResult(whole, false)).toBe(whole);
    expect(toToolResult(whole, true)).toBe(whole);
    const empty = { content: [] };
    expect(toToolResult(empty, false)).toBe(empty);
  });

  it('sends a plain object as structured content too, where there is an output schema', () => {
    expect(toToolResult({ a: 1 }, true)).toEqual({ content: [text('{"a":1}')], structuredContent: { a: 1 } });
    expect(toToolResult([{ a: 1 }], true)).toEqual({ content: [text('[{"a":1}]')] });
    expect(toToolResult('x', true)).toEqual({ content: [text('x')] });
    expect(toToolResult(undefined, true)).toEqual({ content: [] });
  });

  it('makes a result of the protocol of any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.boolean(), (value, hasOutput) => {
        const result = toToolResult(value, hasOutput);
        expect(CallToolResultSchema.safeParse(result).success).toBe(true);
        expect(result.isError).toBeUndefined();
      }),
    );
  });

  it('throws where JSON cannot say it', () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    expect(() => toToolResult(circle, false)).toThrow(TypeError);
    expect(() => toToolResult({ big: 1n }, false)).toThrow(TypeError);
  });
});

describe('toFailedResult', () => {
  it('6.3 carries the words, and beside them the kind, the request and more', () => {
    const result = toFailedResult({
      kind: 'breaker_open',
      message: 'It rests.',
      requestId: 'req-1',
      data: { retryAfterMs: 5 },
    });
    expect(result).toEqual({
      content: [text('It rests.')],
      isError: true,
      _meta: { 'mcp-gatehouse/error': { kind: 'breaker_open', requestId: 'req-1', retryAfterMs: 5 } },
    });
    expect(CallToolResultSchema.safeParse(result).success).toBe(true);
    expect(toFailedResult({ kind: 'internal', message: '', requestId: 'r' })._meta).toEqual({
      'mcp-gatehouse/error': { kind: 'internal', requestId: 'r' },
    });
  });
});
