import { Injectable } from '@nestjs/common';
import { IsString, Length } from 'class-validator';
import { Describe } from '../schema/describe.decorator.js';
import { Tool } from '../tool.decorator.js';
import { calculate, MAX_EXPRESSION_LENGTH } from './math/calculate.js';

/** Arguments of `math_calc`. */
export class MathInput {
  @IsString()
  @Length(1, MAX_EXPRESSION_LENGTH)
  @Describe('Numbers, + - * / // % ** and parentheses, with the precedence of Python', { examples: ['2 + 2 * 3'] })
  readonly expression!: string;
}

/** Works out arithmetic: what models are worst at. */
@Injectable()
export class MathTool {
  /** @throws ToolError `Error calculating: …` */
  @Tool({
    name: 'math_calc',
    title: 'Calculator',
    description: 'Perform basic math calculations',
    readOnly: true,
    idempotent: true,
    openWorld: false,
  })
  calculate({ expression }: MathInput): string {
    return `${expression} = ${calculate(expression)}`;
  }
}
