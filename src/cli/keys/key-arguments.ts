import { EXIT, printable, StartError } from '../../common/index.js';

/** What `gatehouse keys` is to do. */
export type KeyAction = 'create' | 'list' | 'rotate' | 'revoke';

/** The arguments of `gatehouse keys`, taken apart. */
export interface KeyArguments {
  readonly action: KeyAction;
  /** Name of the key to make, or id of the one to change; empty for a list. */
  readonly subject: string;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  readonly expiresInDays: number | undefined;
  readonly overlapHours: number | undefined;
  /** Makes a key that is kept nowhere: its line for MCP_API_KEYS is printed instead. */
  readonly printSetting: boolean;
  readonly json: boolean;
  /** The rest: flags of `gatehouse serve`, which say which server is meant. */
  readonly settings: readonly string[];
}

export const KEYS_USAGE = `Usage: gatehouse keys create NAME --role ROLE [--role ROLE] [--scope SCOPE] [--expires-in-days N] [--print-setting]
       gatehouse keys list
       gatehouse keys rotate ID [--overlap-hours N]
       gatehouse keys revoke ID
Each takes --json, and the flags of "gatehouse serve" that say which server is meant: --port, --state-dir, --config.`;

const NEEDS: Readonly<Record<KeyAction, string | undefined>> = {
  create: 'a name',
  list: undefined,
  rotate: 'the id of a key',
  revoke: 'the id of a key',
};
const VALUES = ['--role', '--scope', '--expires-in-days', '--overlap-hours'] as const;
const SWITCHES = ['--print-setting', '--json'] as const;
const MAX_NUMBER = 100_000;

/** @throws StartError what is wrong, with the usage */
export function parseKeyArguments(argv: readonly string[]): KeyArguments {
  const [action, ...rest] = argv;
  if (!isAction(action)) throw misuse(`keys ${printable(action ?? '')}: there is no such action`);
  const needed = NEEDS[action];
  const [subject, ...flags] = needed === undefined ? ['', ...rest] : rest;
  if (subject === undefined || subject.startsWith('-')) throw misuse(`keys ${action} needs ${needed}`);
  const { values, switches, others } = split(flags);
  const list = (name: string): string[] => (values.get(name) ?? []).flatMap((value) => value.split(','));
  const roles = list('--role');
  if (action === 'create' && roles.length === 0)
    throw misuse('keys create needs --role: viewer, operator, admin or one of yours');
  return {
    action,
    subject,
    roles,
    scopes: list('--scope'),
    expiresInDays: numberOf('--expires-in-days', values),
    overlapHours: numberOf('--overlap-hours', values),
    printSetting: switches.has('--print-setting'),
    json: switches.has('--json'),
    settings: others,
  };
}

interface Split {
  readonly values: ReadonlyMap<string, readonly string[]>;
  readonly switches: ReadonlySet<string>;
  readonly others: readonly string[];
}

function split(flags: readonly string[]): Split {
  const values = new Map<string, string[]>();
  const switches = new Set<string>();
  const others: string[] = [];
  for (let at = 0; at < flags.length; at++) {
    const word = flags[at] as string;
    const [name = '', inline] = word.split(/=(.*)/s);
    if ((SWITCHES as readonly string[]).includes(word)) switches.add(word);
    else if ((VALUES as readonly string[]).includes(name)) {
      const value = inline ?? flags[++at];
      if (value === undefined || value === '') throw misuse(`${name} needs a value`);
      values.set(name, [...(values.get(name) ?? []), value]);
    } else others.push(word);
  }
  return { values, switches, others };
}

function numberOf(name: string, values: Split['values']): number | undefined {
  const text = values.get(name)?.at(-1);
  if (text === undefined) return undefined;
  const number = /^\d{1,6}$/.test(text) ? Number(text) : NaN;
  if (!(number <= MAX_NUMBER)) throw misuse(`${name} must be a whole number from 0 to ${MAX_NUMBER}`);
  return number;
}

function isAction(text: string | undefined): text is KeyAction {
  return text !== undefined && Object.hasOwn(NEEDS, text);
}

function misuse(what: string): StartError {
  return new StartError(what, [KEYS_USAGE], EXIT.usage);
}
