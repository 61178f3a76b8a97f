import { describe, expect, it } from '@jest/globals';
import { type ArgumentLimits, ArgumentRule } from './argument-rule.js';
import { Glob } from './glob.js';

const rule = (limits: ArgumentLimits, path: readonly string[] = ['x']): ArgumentRule =>
  new ArgumentRule(path.join('/'), path, limits);

describe('ArgumentRule', () => {
  it.each<[string, ArgumentLimits, unknown, boolean]>([
    ['one of an enumeration', { enum: ['a', 1, true, null] }, 'a', true],
    ['null of an enumeration', { enum: [null] }, null, true],
    ['not of an enumeration', { enum: ['a'] }, 'b', false],
    ['text that only looks like a number', { enum: [1] }, '1', false],
    ['an object', { enum: ['a'] }, { a: 1 }, false],
    ['what a pattern fits', { pattern: new Glob('*.example.com') }, 'a.example.com', true],
    ['what no pattern fits', { pattern: new Glob('*.example.com') }, 'example.org', false],
    ['a number where a pattern is', { pattern: new Glob('*') }, 5, false],
    ['a prefix', { prefix: '/srv/' }, '/srv/a', true],
    ['another prefix', { prefix: '/srv/' }, '/etc/a', false],
    ['a number where a prefix is', { prefix: '1' }, 1, false],
    ['at least', { min: 1 }, 1, true],
    ['too little', { min: 1 }, 0.9, false],
    ['text where a number is', { min: 1 }, '5', false],
    ['at most', { max: 5 }, 5, true],
    ['too much', { max: 5 }, 6, false],
    ['text where a number is at most', { max: 5 }, '5', false],
    ['not a number', { min: 0, max: 5 }, Number.NaN, false],
    ['all of a list', { max: 5 }, [1, 2, [3]], true],
    ['one of a list too much', { max: 5 }, [1, 9], false],
    ['an empty list', { max: 5 }, [], true],
  ])('allows by the value: %s', (_, limits, value, isRight) => {
    expect(rule(limits).allows({ x: value })).toBe(isRight);
  });

  it('does not allow what is not there, unless it may be left out', () => {
    for (const args of [{}, undefined, null, 'text', { x: undefined }]) {
      expect(rule({ max: 5 }).allows(args)).toBe(false);
      expect(rule({ max: 5, optional: true }).allows(args)).toBe(true);
      expect(rule({ max: 5 }).catches(args)).toBe(false);
    }
    expect(rule({ max: 5, optional: true }).allows({ x: 6 })).toBe(false);
  });

  it('follows a path into objects and lists, and only into what they hold themselves', () => {
    const deep = rule({ enum: ['v'] }, ['a', '1', 'b']);
    expect(deep.allows({ a: [0, { b: 'v' }] })).toBe(true);
    expect(deep.allows({ a: { 1: { b: 'v' } } })).toBe(true);
    expect(deep.allows({ a: 'text' })).toBe(false);
    expect(rule({ pattern: new Glob('*') }, ['constructor', 'name']).allows({})).toBe(false);
    expect(rule({ min: 0 }, ['a', 'length']).allows({ a: 'text' })).toBe(false);
  });

  it.each(['/srv/../etc/passwd', '/srv/a/..', '/srv/..\\etc', '/srv/%2e%2e/etc', '/srv/.%2E/etc', '/srv/%2E./etc'])(
    'a prefix is not a way to somewhere else: %s',
    (path) => {
      expect(rule({ prefix: '/srv/' }).allows({ x: path })).toBe(false);
    },
  );

  it.each(['/etc/passwd', '/srv/../etc/passwd', '/srv/%2e%2e/etc/passwd', '/srv\\..\\etc/passwd', '//etc/passwd'])(
    'a denied prefix cannot be walked around: %s',
    (path) => {
      expect(rule({ prefix: '/etc/' }).catches({ x: path })).toBe(true);
    },
  );

  it('two dots that are no step up are only dots', () => {
    expect(rule({ prefix: '/srv/' }).allows({ x: '/srv/a..b/..c/d..' })).toBe(true);
  });

  it('catches a list by any of its values', () => {
    expect(rule({ enum: ['bad'] }).catches({ x: ['good', ['bad']] })).toBe(true);
    expect(rule({ enum: ['bad'] }).catches({ x: ['good', 5] })).toBe(false);
  });

  it('says what it asks for', () => {
    expect(rule({ min: 1, max: 5 }).demand).toBe('x must be at least 1 and at most 5');
    expect(rule({ enum: ['a', 2] }).demand).toBe('x must be one of "a", 2');
    expect(rule({ enum: Array.from({ length: 12 }, (_, i) => i) }).demand).toBe(
      'x must be one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …',
    );
    expect(rule({ pattern: new Glob('a*') }).demand).toBe('x must be like "a*"');
    expect(rule({ prefix: '/srv/' }).demand).toBe('x must be text that begins with "/srv/" and has no ".." in it');
  });
});
