/** Longest pattern that is taken. */
export const MAX_GLOB_CHARS = 256;
/** A longer text fits no pattern: rules are about names and short arguments. */
const MAX_TEXT_CHARS = 8_192;

/**
 * A pattern in which `*` stands for any text, also none; all else stands for itself. The time that it takes grows with
 * the text, never with how text and pattern meet: no expression that a caller could make run for long.
 */
export class Glob {
  private readonly first: string;
  private readonly middle: readonly string[];
  private readonly last: string | undefined;

  /** @param text at most {@link MAX_GLOB_CHARS} characters */
  constructor(readonly text: string) {
    const [first = '', ...rest] = text.split('*');
    this.first = first;
    this.last = rest.pop();
    this.middle = rest.filter((part) => part !== '');
  }

  /** Whether it stands for one text only. */
  get isExact(): boolean {
    return this.last === undefined;
  }

  /** Characters that stand for themselves: of two patterns, the one with more says more. */
  get weight(): number {
    return this.first.length + this.middle.join('').length + (this.last?.length ?? 0);
  }

  matches(text: string): boolean {
    if (this.last === undefined) return text === this.first;
    if (text.length > MAX_TEXT_CHARS || !text.startsWith(this.first)) return false;
    let at = this.first.length;
    for (const part of this.middle) {
      const found = text.indexOf(part, at);
      if (found === -1) return false;
      at = found + part.length;
    }
    return text.length - this.last.length >= at && text.endsWith(this.last);
  }
}
