import { describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { Tool } from '../tool.decorator.js';
import { defineTool } from '../tool-options.js';
import { sortExports } from './plugin-exports.js';

@Injectable()
class Greetings {
  @Tool()
  greet(): string {
    return 'hi';
  }
}

class Undecorated {}

@Module({ providers: [Greetings] })
class GreetingsModule {}

@Module({})
class EmptyModule {}

class PlainDerived extends GreetingsModule {}

const tool = defineTool({ name: 'shout', run: () => 'HI' });
const dynamic = { module: EmptyModule, providers: [Greetings] };

describe('sortExports', () => {
  it.each<[string, unknown, object]>([
    ['a module', GreetingsModule, { modules: [GreetingsModule] }],
    ['a dynamic module', dynamic, { modules: [dynamic] }],
    ['a provider class', Greetings, { providers: [Greetings] }],
    ['a class without decorators', Undecorated, { providers: [Undecorated] }],
    ['a class that only derives from a module', PlainDerived, { providers: [PlainDerived] }],
    ['a defined tool', tool, { tools: [tool] }],
    [
      'an array of these',
      [tool, GreetingsModule, Greetings, dynamic],
      { modules: [GreetingsModule, dynamic], providers: [Greetings], tools: [tool] },
    ],
  ])('knows %s', (_what, exported, sorted) => {
    expect(sortExports('file.mjs', exported)).toEqual({
      source: 'file.mjs',
      modules: [],
      providers: [],
      tools: [],
      ...sorted,
    });
  });

  it.each([
    [undefined, 'missing'],
    [null, 'null'],
    ['text', 'string'],
    [() => 1, 'function'],
    [{}, 'object'],
    [{ name: 'shout' }, 'object'],
    [{ name: 1, run: () => 1 }, 'object'],
    [[tool, 1], 'number'],
    [[[tool]], 'object'],
  ])('refuses %p', (exported, what) => {
    expect(() => sortExports('file.mjs', exported)).toThrow(
      `its default export is ${what}: export a Nest module, a provider class, a defined tool, or an array of these`,
    );
  });

  it('refuses an empty array', () => {
    expect(() => sortExports('file.mjs', [])).toThrow('its default export is an empty array');
  });
});
