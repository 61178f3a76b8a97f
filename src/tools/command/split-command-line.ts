/** The words of a command line, or why it cannot be split. */
export type SplitLine =
  { readonly isValid: true; readonly words: readonly string[] } | { readonly isValid: false; readonly fault: string };

const CONTROL: ReadonlyMap<string, string> = new Map([
  ['\0', 'NUL'],
  ['\r', 'CR'],
  ['\n', 'LF'],
]);
const BLANKS = ' \t';
/** What a backslash takes its meaning from inside double quotes; before anything else it stands for itself. */
const ESCAPED_IN_QUOTES = '"\\$`';

/**
 * Splits a command line into words by the quoting rules of POSIX: single quotes, double quotes, backslash. Nothing is
 * expanded: `$HOME`, `*`, `~`, `|`, `;` and `>` are characters like any other.
 * @returns the words, without their quotes; none for a blank line; a fault for an open quote, a backslash at the end,
 * and NUL, CR or LF anywhere
 * @see POSIX.1-2024, Shell Command Language, 2.2 Quoting
 */
export function splitCommandLine(text: string): SplitLine {
  for (const [character, name] of CONTROL) {
    if (text.includes(character)) return { isValid: false, fault: `the command line holds a ${name} character` };
  }
  return new Splitter(text).split();
}

class Splitter {
  private readonly words: string[] = [];
  /** The word under way; undefined between words, as `''` is a word too. */
  private word: string | undefined;
  private index = 0;

  constructor(private readonly text: string) {}

  split(): SplitLine {
    while (this.index < this.text.length) {
      const fault = this.step();
      if (fault !== undefined) return { isValid: false, fault };
    }
    this.endWord();
    return { isValid: true, words: this.words };
  }

  /** Takes a character, or all that a quote encloses. @returns what is wrong, if anything */
  private step(): string | undefined {
    const character = this.take();
    if (BLANKS.includes(character)) return this.endWord();
    if (character === "'") return this.singleQuoted();
    if (character === '"') return this.doubleQuoted();
    if (character !== '\\') return this.append(character);
    if (this.index === this.text.length) return 'a backslash at the end of the command line escapes nothing';
    return this.append(this.take());
  }

  private singleQuoted(): string | undefined {
    const end = this.text.indexOf("'", this.index);
    if (end < 0) return `the single quote at position ${this.index} is never closed`;
    this.append(this.text.slice(this.index, end));
    this.index = end + 1;
    return undefined;
  }

  private doubleQuoted(): string | undefined {
    const position = this.index;
    this.append('');
    while (this.index < this.text.length) {
      const character = this.take();
      if (character === '"') return undefined;
      const isEscape = character === '\\' && ESCAPED_IN_QUOTES.includes(this.text[this.index] ?? ' ');
      this.append(isEscape ? this.take() : character);
    }
    return `the double quote at position ${position} is never closed`;
  }

  private take(): string {
    const character = this.text[this.index] as string;
    this.index += 1;
    return character;
  }

  private append(text: string): undefined {
    this.word = (this.word ?? '') + text;
  }

  private endWord(): undefined {
    if (this.word !== undefined) this.words.push(this.word);
    this.word = undefined;
  }
}
