import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { splitCommandLine } from './split-command-line.js';

const words = (text: string): readonly string[] => {
  const split = splitCommandLine(text);
  if (!split.isValid) throw new Error(split.fault);
  return split.words;
};
const fault = (text: string): string | undefined => {
  const split = splitCommandLine(text);
  return split.isValid ? undefined : split.fault;
};

describe('splitCommandLine', () => {
  it.each([
    ['ls -l /tmp', ['ls', '-l', '/tmp']],
    ['  ls \t -l  ', ['ls', '-l']],
    ['', []],
    [' \t ', []],
    [`grep 'a b' "c d"`, ['grep', 'a b', 'c d']],
    [`a'b c'"d e"f`, ['ab cd ef']],
    [`a '' ""`, ['a', '', '']],
    [`a\\ b`, ['a b']],
    [`\\\\ \\' \\"`, ['\\', "'", '"']],
    [`'a\\b'`, ['a\\b']],
    [`"a\\b\\"c\\\\d\\$e\\\`f"`, ['a\\b"c\\d$e`f']],
    [`"it's"`, ["it's"]],
    [`'say "x"'`, ['say "x"']],
  ])('W-2 splits %j by the quoting rules of POSIX', (text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  it('W-2 expands nothing and knows no operators', () => {
    const text = 'echo $HOME ~ * {a,b} `id` $(id) ; | & > # !1';
    expect(words(text)).toEqual(text.split(' '));
  });

  it.each([
    [`echo 'a`, 'the single quote at position 6 is never closed'],
    [`echo "a`, 'the double quote at position 6 is never closed'],
    [`echo "a\\"`, 'the double quote at position 6 is never closed'],
    ['echo a\\', 'a backslash at the end of the command line escapes nothing'],
  ])('W-2 refuses what is left open: %j', (text, expected) => {
    expect(fault(text)).toBe(expected);
  });

  it.each([
    ['\0', 'NUL'],
    ['\r', 'CR'],
    ['\n', 'LF'],
  ])('W-2 refuses %j, quoted or not', (character, name) => {
    for (const text of [`a${character}b`, `'a${character}b'`, `"a${character}b"`, `a\\${character}b`]) {
      expect(fault(text)).toBe(`the command line holds a ${name} character`);
    }
  });

  it('W-2 gives back the words that were quoted, whichever way', () => {
    const word = fc.string({ unit: 'binary', maxLength: 12 }).map((text) => text.replace(/[\0\r\n]/g, '_'));
    const quotes = [
      (text: string) => `'${text.replaceAll("'", `'\\''`)}'`,
      (text: string) => `"${text.replace(/["\\$`]/g, '\\$&')}"`,
      (text: string) => (text === '' ? '""' : text.replace(/[^A-Za-z0-9]/gu, '\\$&')),
    ];
    const quoted = fc.tuple(word, fc.constantFrom(...quotes), fc.constantFrom(' ', '\t', '  '));
    fc.assert(
      fc.property(fc.array(quoted, { maxLength: 8 }), (parts) => {
        const text = parts.map(([part, quote, blank]) => quote(part) + blank).join('');
        expect(words(text)).toEqual(parts.map(([part]) => part));
      }),
    );
  });

  it('answers any text, and makes no character up', () => {
    const unit = fc.constantFrom('a', 'b', ' ', "'", '"', '\\', '\t', '$', '\n', '€');
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 60 }), (text) => {
        const split = splitCommandLine(text);
        if (!split.isValid) return;
        expect(split.words.join('').length).toBeLessThanOrEqual(text.length);
        expect([...split.words.join('')].every((character) => text.includes(character))).toBe(true);
      }),
    );
  });
});
