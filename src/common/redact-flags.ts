import { REDACTED } from './redact.js';

/** Flags of programs whose value is, or may be, a secret (W-33). */
const NAMES = [
  'p',
  'P',
  'H',
  'u',
  'd',
  'b',
  'password',
  'pass',
  'passwd',
  'passphrase',
  'token',
  'secret',
  'api-key',
  'apikey',
  'auth',
  'user',
  'cookie',
  'data',
  'data-raw',
  'data-binary',
  'header',
];
const LONG = NAMES.filter((name) => name.length > 1).join('|');
const SHORT = NAMES.filter((name) => name.length === 1).join('');
const FLAG = new RegExp(`^(--?(?:${LONG})|-[${SHORT}])(?:=(.*))?$`, 's');
/** As MySQL takes a password: without a blank. */
const ATTACHED = /^-p(?=[^=])./s;
const ATTACHED_IN_TEXT = /(^|\s)-p(?=[^\s=])\S+/g;
const IS_FLAG = new RegExp(`^--?(?:${LONG})$`);
/** A flag in a command line, with the value after it: quoted, or up to the next blank. */
const IN_TEXT = new RegExp(`(^|\\s)(--?(?:${LONG})|-[${SHORT}])(=|\\s+)("[^"]*"|'[^']*'|\\S+)`, 'g');

/** A command line without the values of flags that may hold a secret. */
export function redactFlags(text: string): string {
  return text
    .replace(IN_TEXT, (_all, before: string, flag: string, between: string) => `${before}${flag}${between}${REDACTED}`)
    .replace(ATTACHED_IN_TEXT, (all, before: string) => (IS_FLAG.test(all.trim()) ? all : `${before}-p${REDACTED}`));
}

/** The words of a command without the values of flags that may hold a secret. */
export function redactWords(words: readonly unknown[]): readonly unknown[] {
  return words.map((word, at) => {
    const before = words[at - 1];
    const [, flag, value] = typeof word === 'string' ? (FLAG.exec(word) ?? []) : [];
    if (flag !== undefined) return value === undefined ? word : `${flag}=${REDACTED}`;
    if (typeof word === 'string' && ATTACHED.test(word)) return `-p${REDACTED}`;
    const isValue = typeof before === 'string' && FLAG.exec(before)?.[1] === before;
    return isValue ? REDACTED : word;
  });
}
