import { bounded, type Operator, type Value } from './arithmetic.js';
import { calculationError } from './calculation-error.js';

/** A piece of an expression. `position` counts characters from 1. */
export type Token =
  | { readonly kind: 'number'; readonly value: Value; readonly text: string; readonly position: number }
  | { readonly kind: 'symbol'; readonly text: Operator | '(' | ')'; readonly position: number }
  | { readonly kind: 'end'; readonly text: 'the end'; readonly position: number };

const BLANK = /[ \t\r\n]*/y;
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const SYMBOL = /\*\*|\/\/|[-+*/%()]/y;
const WORD = /[\p{L}_][\p{L}\p{N}_]{0,30}|./suy;
const INTEGER = /^\d+$/;

/**
 * Cuts an expression into tokens; the last is always `end`.
 * @throws ToolError a character that is no part of an expression, or a number out of range
 */
export function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let index = match(BLANK, text, 0).length;
  while (index < text.length) {
    const token = tokenAt(text, index);
    tokens.push(token);
    index += token.text.length;
    index += match(BLANK, text, index).length;
  }
  tokens.push({ kind: 'end', text: 'the end', position: text.length + 1 });
  return tokens;
}

function tokenAt(text: string, index: number): Token {
  const position = index + 1;
  const symbol = match(SYMBOL, text, index);
  if (symbol) return { kind: 'symbol', text: symbol as Operator | '(' | ')', position };
  const number = match(NUMBER, text, index);
  if (number) return { kind: 'number', value: valueOf(number, position), text: number, position };
  const found = match(WORD, text, index);
  const hint = found === '^' ? 'a power is written **' : 'only numbers, + - * / // % ** and parentheses are known';
  throw calculationError(`unexpected '${found}' at position ${position}: ${hint}`);
}

function valueOf(number: string, position: number): Value {
  const value = bounded(INTEGER.test(number) ? BigInt(number) : Number(number));
  if (typeof value === 'string') throw calculationError(`the number at position ${position} is too large`);
  return value;
}

/** @param pattern sticky */
function match(pattern: RegExp, text: string, index: number): string {
  pattern.lastIndex = index;
  return pattern.exec(text)?.[0] ?? '';
}
