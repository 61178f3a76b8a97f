import { parseArgs, type ParseArgsConfig } from 'node:util';
import { printable } from '../common/index.js';
import { nearest } from './nearest.js';
import type { Given, Reading } from './reading.js';
import { SETTINGS } from './schema.js';
import type { Setting } from './setting-spec.js';

const BY_FLAG = new Map(SETTINGS.flatMap((setting) => (setting.flag ? [[setting.flag, setting] as const] : [])));

const OPTIONS: NonNullable<ParseArgsConfig['options']> = Object.fromEntries(
  [...BY_FLAG].map(([flag, setting]) => [flag, { type: setting.kind === 'bool' ? 'boolean' : 'string' }]),
);

/**
 * Reads the flags of `gatehouse serve`.
 * @param argv what follows the command; `--flag value`, `--flag=value`, and for lists also `--flag a b`, `--flag a,b` and
 * repeats. The last one of any other flag counts.
 */
export function parseFlags(argv: readonly string[]): Reading {
  const flags = new FlagReader();
  const { tokens } = parseArgs({
    args: [...argv],
    options: OPTIONS,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === 'option') flags.option(token);
    else if (token.kind === 'positional') flags.word(token.value);
  }
  return { given: flags.given, faults: [], misuses: flags.misuses, warnings: [] };
}

/** One flag as `parseArgs` saw it. */
interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly index: number;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

class FlagReader {
  readonly given = new Map<string, Given>();
  readonly misuses: string[] = [];
  private lastIndex = -1;
  /** Takes the words that follow; undefined when none may. */
  private take: ((word: string) => void) | undefined;

  option(token: OptionToken): void {
    // `-abc` comes as three options with one index: it is one mistake.
    const sameWord = token.index === this.lastIndex;
    this.lastIndex = token.index;
    this.take = undefined;
    const setting = BY_FLAG.get(token.name);
    if (!setting || !token.rawName.startsWith('--')) {
      if (!sameWord) this.unknown(token.rawName);
      return;
    }
    const value = setting.kind === 'bool' ? (token.value ?? 'true') : token.value;
    if (value === undefined || (!token.inlineValue && looksLikeFlag(setting, value))) {
      this.refuse(`${token.rawName} needs a value`);
      return;
    }
    this.keep(setting, value);
  }

  word(word: string): void {
    if (this.take) this.take(word);
    else this.misuses.push(`Unexpected argument ${JSON.stringify(printable(word, 60))}`);
  }

  private keep(setting: Setting, value: string): void {
    const before = this.given.get(setting.key)?.raw;
    const raw = setting.kind === 'list' && typeof before === 'string' ? `${before},${value}` : value;
    this.given.set(setting.key, { raw, source: 'flag', where: `--${setting.flag}` });
    if (setting.kind === 'list') this.take = (word) => this.keep(setting, word);
  }

  private unknown(rawName: string): void {
    const names = [...BY_FLAG.keys()].map((flag) => `--${flag}`);
    this.refuse(`Unknown flag ${printable(rawName, 60)}; the nearest is ${nearest(rawName, names)}`);
  }

  /** The words after a wrong flag are most likely its values, perhaps secret: they are neither used nor shown. */
  private refuse(misuse: string): void {
    this.misuses.push(misuse);
    this.take = () => undefined;
  }
}

function looksLikeFlag(setting: Setting, value: string): boolean {
  return value.startsWith(setting.kind === 'int' ? '--' : '-');
}
