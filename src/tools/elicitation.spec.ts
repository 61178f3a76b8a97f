import { describe, expect, it } from '@jest/globals';
import { elicitFault } from './elicitation.js';

const schema = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    size: { type: 'number' },
    count: { type: 'integer' },
    sure: { type: 'boolean' },
    colour: { type: 'string', enum: ['red', 'blue'] },
    titled: { type: 'string', oneOf: [{ const: 'r', title: 'Red' }] },
    many: { type: 'array', items: { enum: ['a', 'b'] } },
    titledMany: { type: 'array', items: { anyOf: [{ const: 'a', title: 'A' }] } },
    anyMany: { type: 'array' },
    odd: { type: 'object' },
  },
  required: ['name'],
};
const faultOf = (content: object): string | undefined =>
  elicitFault({ action: 'accept', content: { name: 'x', ...content } }, schema);

describe('elicitFault', () => {
  it.each([
    {},
    { size: 1.5 },
    { count: 3 },
    { sure: false },
    { colour: 'red' },
    { titled: 'r' },
    { many: [] },
    { many: ['a', 'b'] },
    { titledMany: ['a'] },
    { anyMany: ['z'] },
    { odd: 5 },
    { unknown: 5 },
  ])('takes %j', (content) => {
    expect(faultOf(content)).toBeUndefined();
  });

  it.each([
    { name: 5 },
    { size: '1' },
    { count: 1.5 },
    { sure: 'true' },
    { colour: 'green' },
    { titled: 'Red' },
    { many: 'a' },
    { many: ['c'] },
    { many: [1] },
    { titledMany: ['A'] },
  ])('refuses %j', (content) => {
    expect(faultOf(content)).toBe(`${Object.keys(content)[0]} does not fit its schema`);
  });

  it('wants what is required, of who accepts', () => {
    expect(elicitFault({ action: 'accept', content: {} }, schema)).toBe('name is missing');
    expect(elicitFault({ action: 'accept' }, schema)).toBe('content must be an object');
    expect(elicitFault({ action: 'accept', content: [] }, schema)).toBe('content must be an object');
    for (const action of ['decline', 'cancel']) expect(elicitFault({ action }, schema)).toBeUndefined();
    expect(elicitFault({ action: 'accept' }, undefined)).toBeUndefined();
    expect(elicitFault({ action: 'accept', content: {} }, { properties: [], required: 'name' })).toBeUndefined();
  });

  it.each([undefined, null, 'yes', 5])('knows three actions, and not %p', (action) => {
    expect(elicitFault({ action }, schema)).toBe('action must be accept, decline or cancel');
  });
});
