import type { Operator, Value } from './arithmetic.js';
import { calculationError } from './calculation-error.js';
import { type Token, tokenize } from './tokens.js';

/** A parsed expression. `position` is where its operator stands, in characters from 1. */
export type Expression =
  | { readonly kind: 'number'; readonly value: Value }
  | { readonly kind: 'negation'; readonly operand: Expression }
  | {
      readonly kind: 'operation';
      readonly operator: Operator;
      readonly left: Expression;
      readonly right: Expression;
      readonly position: number;
    };

/** Parentheses, signs and powers that may stand inside one another. */
const MAX_DEPTH = 100;

const SUMS: ReadonlySet<string> = new Set<Operator>(['+', '-']);
const PRODUCTS: ReadonlySet<string> = new Set<Operator>(['*', '/', '//', '%']);

/**
 * Parses an expression with Python's precedence.
 * @throws ToolError it is no expression, or nests deeper than {@link MAX_DEPTH}
 * @see https://docs.python.org/3/reference/expressions.html#operator-precedence
 */
export function parse(text: string): Expression {
  return new Parser(tokenize(text)).parse();
}

/** One method for each level of the grammar, from the loosest binding to the tightest. */
class Parser {
  private next = 0;
  private depth = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  parse(): Expression {
    const expression = this.sum();
    if (this.token.kind !== 'end') throw this.unexpected('an operator');
    return expression;
  }

  /** sum: product (('+' | '-') product)* */
  private sum(): Expression {
    return this.chain(SUMS, () => this.product());
  }

  /** product: factor (('*' | '/' | '//' | '%') factor)* */
  private product(): Expression {
    return this.chain(PRODUCTS, () => this.factor());
  }

  private chain(operators: ReadonlySet<string>, operand: () => Expression): Expression {
    let left = operand();
    while (this.token.kind === 'symbol' && operators.has(this.token.text)) {
      const { text, position } = this.take();
      left = { kind: 'operation', operator: text as Operator, left, right: operand(), position };
    }
    return left;
  }

  /** factor: ('+' | '-') factor | power */
  private factor(): Expression {
    const { kind, text } = this.token;
    if (kind !== 'symbol' || !SUMS.has(text)) return this.power();
    const operand = this.nested(() => this.factor());
    return text === '-' ? { kind: 'negation', operand } : operand;
  }

  /** power: atom ['**' factor] */
  private power(): Expression {
    const left = this.atom();
    if (this.token.text !== '**') return left;
    const { position } = this.token;
    return { kind: 'operation', operator: '**', left, right: this.nested(() => this.factor()), position };
  }

  /** atom: number | '(' sum ')' */
  private atom(): Expression {
    const { token } = this;
    if (token.kind === 'number') {
      this.take();
      return { kind: 'number', value: token.value };
    }
    if (token.text !== '(') throw this.unexpected('a number');
    const inner = this.nested(() => this.sum());
    if (this.token.text !== ')') throw this.unexpected("an operator or ')'");
    this.take();
    return inner;
  }

  /** Takes the token that opens an inner level, then what stands on it. */
  private nested(inner: () => Expression): Expression {
    const { position } = this.take();
    this.depth += 1;
    if (this.depth > MAX_DEPTH) {
      throw calculationError(`the expression nests more than ${MAX_DEPTH} deep at position ${position}`);
    }
    const expression = inner();
    this.depth -= 1;
    return expression;
  }

  private get token(): Token {
    return this.tokens[this.next] as Token;
  }

  private take(): Token {
    const { token } = this;
    this.next += 1;
    return token;
  }

  private unexpected(expected: string): Error {
    const { kind, text, position } = this.token;
    if (kind === 'end') return calculationError(`the expression ends where ${expected} should follow`);
    return calculationError(`found '${text.slice(0, 30)}' at position ${position} where ${expected} should stand`);
  }
}
