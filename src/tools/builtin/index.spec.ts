import { describe, expect, it } from '@jest/globals';
import { TOOL_METADATA } from '../tool.decorator.js';
import type { ToolOptions } from '../tool-options.js';
import { BUILTIN_TOOLS } from './index.js';

const options = BUILTIN_TOOLS.flatMap(({ prototype }) =>
  Object.getOwnPropertyNames(prototype).flatMap((name): ToolOptions[] => {
    const method: unknown = Reflect.get(prototype, name);
    const found = Reflect.getMetadata(TOOL_METADATA, method as object) as ToolOptions | undefined;
    return found ? [found] : [];
  }),
);

describe('BUILTIN_TOOLS', () => {
  it('S1-3 5.1 are the five tools, described as ever', () => {
    expect(options.map(({ name, description }) => [name, description])).toEqual([
      ['echo', 'Echo back the provided message'],
      ['get_time', 'Get current server time'],
      ['list_files', 'List files in a directory'],
      ['math_calc', 'Perform basic math calculations'],
      ['run_command', 'Execute a shell command'],
    ]);
  });

  it('5.1 say what they do to the world, and who may use them', () => {
    expect(options.map(({ readOnly = false, destructive = false, roles }) => [readOnly, destructive, roles])).toEqual([
      [true, false, undefined],
      [true, false, undefined],
      [true, false, ['operator', 'admin']],
      [true, false, undefined],
      [false, true, ['admin']],
    ]);
  });
});
