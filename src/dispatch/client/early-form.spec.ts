import { describe, expect, it } from '@jest/globals';
import { earlyForm } from './early-form.js';

describe('earlyForm', () => {
  it('leaves fields that 2025-06-18 knows as they are', () => {
    const form = {
      type: 'object',
      properties: { name: { type: 'string', default: 'Ada' }, kind: { type: 'string', enum: ['a'], enumNames: ['A'] } },
      required: ['name'],
    };
    expect(earlyForm(form)).toEqual(form);
  });

  it('tells a choice with titles in the way of 2025-06-18', () => {
    const size = { type: 'string', title: 'Size', oneOf: [{ const: 's', title: 'Small' }, { const: 'l' }] };
    expect(earlyForm({ type: 'object', properties: { size } })).toEqual({
      type: 'object',
      properties: { size: { type: 'string', title: 'Size', enum: ['s', 'l'], enumNames: ['Small', 'l'] } },
    });
  });

  it('refuses a choice of several, naming its field', () => {
    const sides = { type: 'array', items: { type: 'string', enum: ['x'] } };
    expect(() => earlyForm({ type: 'object', properties: { sides } })).toThrow(
      expect.objectContaining({ kind: 'missing_capability', message: expect.stringContaining('(sides)') }),
    );
  });

  it('takes a form without fields', () => {
    expect(earlyForm({ type: 'object' })).toEqual({ type: 'object', properties: {} });
  });
});
