import { describe, expect, it } from '@jest/globals';
import { compileSchema } from '../schema/compile-schema.js';
import { MathInput, MathTool } from './math.tool.js';

describe('math_calc', () => {
  it.each([
    ['2 + 2 * 3', '2 + 2 * 3 = 8'],
    ['10 * 5', '10 * 5 = 50'],
    ['100 / 4', '100 / 4 = 25'],
    [' 1+1 ', ' 1+1  = 2'],
  ])('5.1 S1-24 answers %j with the expression and its result', (expression, text) => {
    expect(new MathTool().calculate({ expression })).toBe(text);
  });

  it('S1-33 answers "invalid" with an error that starts as ever', () => {
    expect(() => new MathTool().calculate({ expression: 'invalid' })).toThrow(/^Error calculating: /);
  });

  it.each([{}, { expression: '' }, { expression: '1'.repeat(1_001) }, { expression: 1 }])(
    'W-1 the schema refuses %j',
    async (args) => {
      expect(await compileSchema(MathInput, 'input').check(args)).toMatchObject({ isValid: false });
    },
  );
});
