import { describe, expect, it } from '@jest/globals';
import { compileSchema } from '../schema/compile-schema.js';
import { TOOL_METADATA } from '../tool.decorator.js';
import type { ToolOptions } from '../tool-options.js';
import { EchoInput, EchoTool } from './echo.tool.js';

const options = Reflect.getMetadata(TOOL_METADATA, Reflect.get(EchoTool.prototype, 'echo')) as ToolOptions;

describe('echo', () => {
  it.each(['hi', '', '<script>${x}</script>', ' \u0000\n€ '])('S1-3 gives %j back as it is', (message) => {
    expect(new EchoTool().echo({ message })).toBe(`Echo: ${message}`);
  });

  it('S1-17 names the argument that a bare string stands for', () => {
    expect(options.textArgument).toBe('message');
  });

  it('5.1 is for everyone, read-only, and described as ever', () => {
    expect(options).toMatchObject({ name: 'echo', description: 'Echo back the provided message', readOnly: true });
    expect(options.roles).toBeUndefined();
  });

  it.each([{}, { message: 1 }, { message: null }, { message: 'a', more: 1 }])('5.1 refuses %j', async (args) => {
    expect(await compileSchema(EchoInput, 'input').check(args)).toMatchObject({ isValid: false });
  });
});
