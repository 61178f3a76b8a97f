import { apply, formatValue, type Value } from './arithmetic.js';
import { calculationError } from './calculation-error.js';
import { type Expression, parse } from './parser.js';

/** Characters that an expression may have. */
export const MAX_EXPRESSION_LENGTH = 1_000;

/**
 * Works out an arithmetic expression as Python would: exact integers, doubles, `+ - * / // % **`, signs, parentheses.
 * Answers within milliseconds, whatever the expression (W-1).
 * @returns the result, written as {@link formatValue} does
 * @throws ToolError `Error calculating: …`, saying what was found and where
 */
export function calculate(expression: string): string {
  if (expression.length > MAX_EXPRESSION_LENGTH) {
    throw calculationError(
      `the expression has ${expression.length} characters, at most ${MAX_EXPRESSION_LENGTH} are allowed`,
    );
  }
  return formatValue(evaluate(parse(expression)));
}

function evaluate(expression: Expression): Value {
  switch (expression.kind) {
    case 'number':
      return expression.value;
    case 'negation':
      return -evaluate(expression.operand);
    case 'operation': {
      const { operator, left, right, position } = expression;
      const result = apply(operator, evaluate(left), evaluate(right));
      if (typeof result === 'string') throw calculationError(`${result} at position ${position}`);
      return result;
    }
  }
}
