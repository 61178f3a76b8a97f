import { posix } from 'node:path';
import { isJsonObject } from '../../common/index.js';
import type { Glob } from './glob.js';

type Scalar = string | number | boolean | null;

/** What a value must be: all that is given here at once. */
export interface ArgumentLimits {
  readonly enum?: readonly Scalar[];
  readonly pattern?: Glob;
  readonly prefix?: string;
  readonly min?: number;
  readonly max?: number;
  /** Whether an allow rule also holds where the argument is not there. */
  readonly optional?: boolean;
}

/** Values of an enumeration that a message shows. */
const SHOWN = 10;
/** A step up in a path, as it is written or percent-encoded: text that begins well could end anywhere with it. */
const STEP_UP = /(?:^|[\\/])(?:\.|%2e){2}(?:$|[\\/])/i;

/** What a rule asks of one argument. A list is looked at value by value. */
export class ArgumentRule {
  /**
   * @param name as the roles file has it, for messages
   * @param path steps from the arguments down to the value
   */
  constructor(
    readonly name: string,
    private readonly path: readonly string[],
    private readonly limits: ArgumentLimits,
  ) {}

  /** Whether an allow rule holds: every value there is keeps to the limits. */
  allows(args: unknown): boolean {
    const values = valuesAt(args, this.path);
    if (!values) return this.limits.optional === true;
    return values.every(
      (value) => keepsTo(this.limits, value) && !(this.limits.prefix !== undefined && stepsUp(value)),
    );
  }

  /** Whether a deny rule holds: any value is one of those that it means. */
  catches(args: unknown): boolean {
    return (valuesAt(args, this.path) ?? []).some(
      (value) => keepsTo(this.limits, value) || (typeof value === 'string' && keepsTo(this.limits, resolved(value))),
    );
  }

  /** What an argument must be, in words for whoever sent it. */
  get demand(): string {
    const { enum: values, pattern, prefix, min, max } = this.limits;
    const demands = [
      values &&
        `one of ${values
          .slice(0, SHOWN)
          .map((value) => JSON.stringify(value))
          .join(', ')}${values.length > SHOWN ? ', …' : ''}`,
      pattern && `like ${JSON.stringify(pattern.text)}`,
      prefix !== undefined && `text that begins with ${JSON.stringify(prefix)} and has no ".." in it`,
      min !== undefined && `at least ${min}`,
      max !== undefined && `at most ${max}`,
    ];
    return `${this.name} must be ${demands.filter((demand) => typeof demand === 'string').join(' and ')}`;
  }
}

function keepsTo({ enum: values, pattern, prefix, min, max }: ArgumentLimits, value: unknown): boolean {
  if (values && !values.includes(value as Scalar)) return false;
  if (pattern && !(typeof value === 'string' && pattern.matches(value))) return false;
  if (prefix !== undefined && !(typeof value === 'string' && value.startsWith(prefix))) return false;
  if (min !== undefined && !(typeof value === 'number' && value >= min)) return false;
  return max === undefined || (typeof value === 'number' && value <= max);
}

/** @returns the values at the end of a path, those of a list one by one; undefined where there is nothing */
function valuesAt(args: unknown, path: readonly string[]): readonly unknown[] | undefined {
  let value = args;
  for (const step of path) {
    if ((!isJsonObject(value) && !Array.isArray(value)) || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  if (value === undefined) return undefined;
  return Array.isArray(value) ? (value as unknown[]).flat(Infinity) : [value];
}

function stepsUp(value: unknown): boolean {
  return typeof value === 'string' && STEP_UP.test(value);
}

/** A path as the machine would take it, for rules that must not be walked around. */
function resolved(value: string): string {
  return posix.normalize(value.replace(/%2e/gi, '.').replaceAll('\\', '/'));
}
