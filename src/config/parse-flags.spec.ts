import { describe, expect, it } from '@jest/globals';
import { parseFlags } from './parse-flags.js';

/** What the flags set, by key. */
function valuesOf(...argv: string[]): Record<string, unknown> {
  const { given, misuses } = parseFlags(argv);
  expect(misuses).toEqual([]);
  return Object.fromEntries([...given].map(([key, { raw }]) => [key, raw]));
}

const misusesOf = (...argv: string[]): readonly string[] | undefined => parseFlags(argv).misuses;

describe('parseFlags', () => {
  it('reads --flag value and --flag=value, the last one counts', () => {
    expect(valuesOf('--port', '1', '--host=::1', '--port=2')).toEqual({ 'server.port': '2', 'server.host': '::1' });
  });

  it('S1-1 reads a list separated by blanks, by commas, and repeated', () => {
    expect(valuesOf('--tools', 'echo', 'get_time', '--port', '1', '--tools', 'a,b', '--tools=c')).toEqual({
      'tools.include': 'echo,get_time,a,b,c',
      'server.port': '1',
    });
  });

  it('takes a switch alone or with a word after =', () => {
    expect(valuesOf('--allow-unauthenticated')).toEqual({ 'server.allowUnauthenticated': 'true' });
    expect(valuesOf('--allow-unauthenticated=no')).toEqual({ 'server.allowUnauthenticated': 'no' });
  });

  it('takes a negative number as a value', () => {
    expect(valuesOf('--port', '-1')).toEqual({ 'server.port': '-1' });
  });

  it('D-22 refuses an unknown flag, names the nearest, and shows none of its words', () => {
    expect(misusesOf('--prot', 'hunter2', '--toolz=hunter2', '-px')).toEqual([
      'Unknown flag --prot; the nearest is --port',
      'Unknown flag --toolz; the nearest is --tools',
      expect.stringMatching(/^Unknown flag -p; the nearest is --/),
    ]);
  });

  it.each([[['--port']], [['--tools', '--port=1']], [['--name', '-x']], [['--port', '--host']]])(
    'refuses %j, where a value is missing',
    (argv) => {
      expect(misusesOf(...argv)).toEqual([`${argv[0]} needs a value`]);
    },
  );

  it('refuses a word that belongs to no flag, and makes it printable', () => {
    expect(misusesOf('--port', '1', 'extra\n[SECURITY]')).toEqual([
      expect.stringMatching(/^Unexpected argument "extra\\+u000a\[SECURITY\]"$/),
    ]);
  });
});
