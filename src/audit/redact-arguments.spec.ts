import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { REDACTED } from '../common/index.js';
import { redactArguments } from './redact-arguments.js';
import { secretPathsOf } from './secret-paths.js';

const redacted = (args: unknown, schema?: unknown): unknown => redactArguments(args, secretPathsOf(schema));

describe('redactArguments', () => {
  it.each([
    'password',
    'userPassword',
    'passwd',
    'token',
    'access_token',
    'apiKey',
    'api-key',
    'client_secret',
    'Authorization',
    'auth',
    'cookie',
    'otp',
    'pin',
    'private_key',
    'credentials',
  ])('W-33 shows nothing under the name %s, at any depth', (name) => {
    expect(redacted({ [name]: 's3cret', list: [{ [name]: { deep: 's3cret' } }] })).toEqual({
      [name]: REDACTED,
      list: [{ [name]: REDACTED }],
    });
  });

  it('leaves names that only look like them', () => {
    const args = { spinner: 'on', author: 'ada', passenger: 'bob', shipping: 'x', n: 1, ok: true, none: null };
    expect(redacted(args)).toEqual(args);
  });

  it('shows nothing that the schema calls secret', () => {
    const schema = {
      type: 'object',
      properties: {
        word: { type: 'string', format: 'password' },
        box: { type: 'object', properties: { note: { type: 'string', writeOnly: true } } },
        rows: { type: 'array', items: { type: 'object', properties: { code: { writeOnly: true } } } },
        plain: { type: 'string' },
      },
    };
    const args = { word: 'a', box: { note: 'b', more: 'c' }, rows: [{ code: 'd', id: 1 }], plain: 'e', other: 'f' };
    expect(redacted(args, schema)).toEqual({
      word: REDACTED,
      box: { note: REDACTED, more: 'c' },
      rows: [{ code: REDACTED, id: 1 }],
      plain: 'e',
      other: 'f',
    });
    expect(secretPathsOf({ type: 'object', properties: { plain: {} } })).toBeUndefined();
  });

  it.each([
    ['-p s3cret host', `-p ${REDACTED} host`],
    ['mysql -ps3cret -h db', `mysql -p${REDACTED} -h db`],
    ['-P s3cret', `-P ${REDACTED}`],
    ['--cookie "a=b; c=d" x', `--cookie ${REDACTED} x`],
    ["--data='x y' -v", `--data=${REDACTED} -v`],
    ['curl -H "Authorization: Bearer abc" -u ada:pw url', `curl -H ${REDACTED} -u ${REDACTED} url`],
    ['--password=a --token b', `--password=${REDACTED} --token ${REDACTED}`],
    ['-sV -T4 10.0.0.1', '-sV -T4 10.0.0.1'],
  ])('W-33 shows no value of a secret flag in %j', (text, shown) => {
    expect(redacted({ args: text })).toEqual({ args: shown });
  });

  it('W-33 shows no value of a secret flag among the words of a command', () => {
    expect(redacted({ argv: ['mysql', '-p', 's3cret', '-u=ada', '-ps3cret', '--cookie', 'a b', 'db'] })).toEqual({
      argv: ['mysql', '-p', REDACTED, `-u=${REDACTED}`, `-p${REDACTED}`, '--cookie', REDACTED, 'db'],
    });
  });

  it('shows no token by its form, and cuts long texts and deep trees', () => {
    const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl';
    expect(redacted({ text: `see ${jwt}, Bearer abcdefgh` })).toEqual({
      text: `see ${REDACTED}, Bearer ${REDACTED}`,
    });
    expect(redacted('x'.repeat(5_000))).toBe(`${'x'.repeat(1_000)}…`);
    let deep: unknown = 'x';
    for (let i = 0; i < 100; i++) deep = [deep];
    expect(JSON.stringify(redacted(deep))).toContain('…');
  });

  it('gives JSON of the same shape for any JSON, and changes nothing that it was given', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const before = JSON.stringify(value);
        expect(() => JSON.stringify(redacted(value))).not.toThrow();
        expect(JSON.stringify(value)).toBe(before);
      }),
    );
  });
});
