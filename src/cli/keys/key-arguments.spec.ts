import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EXIT, StartError } from '../../common/index.js';
import { parseKeyArguments } from './key-arguments.js';

describe('parseKeyArguments', () => {
  it('takes its own flags, in either form, and leaves those of serve', () => {
    const argv = ['create', 'alice', '--role', 'viewer,operator', '--port', '9000', '--role=admin', '--scope', 'a:b'];
    expect(parseKeyArguments([...argv, '--expires-in-days', '30', '--json', '--state-dir=/x'])).toEqual({
      action: 'create',
      subject: 'alice',
      roles: ['viewer', 'operator', 'admin'],
      scopes: ['a:b'],
      expiresInDays: 30,
      overlapHours: undefined,
      printSetting: false,
      json: true,
      settings: ['--port', '9000', '--state-dir=/x'],
    });
    expect(parseKeyArguments(['list', '--port', '1'])).toMatchObject({ subject: '', settings: ['--port', '1'] });
    expect(parseKeyArguments(['rotate', 'k', '--overlap-hours=0'])).toMatchObject({ subject: 'k', overlapHours: 0 });
  });

  it.each([
    [[]],
    [['nonsense']],
    [['__proto__']],
    [['create']],
    [['create', '--role', 'x']],
    [['create', 'alice']],
    [['create', 'alice', '--role']],
    [['create', 'alice', '--role=']],
    [['create', 'alice', '--role', 'x', '--expires-in-days', '-1']],
    [['create', 'alice', '--role', 'x', '--expires-in-days', '1e3']],
    [['rotate']],
    [['rotate', 'k', '--overlap-hours', 'soon']],
    [['revoke', '--json']],
  ])('K-35 refuses %j with the usage', (argv) => {
    let refusal: unknown;
    try {
      parseKeyArguments(argv);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(StartError);
    expect((refusal as StartError).exitCode).toBe(EXIT.usage);
    expect((refusal as StartError).message).toContain('gatehouse keys create NAME');
  });

  it('gives arguments or a StartError for any words', () => {
    const word = fc.oneof(fc.constantFrom('create', 'list', '--role', '--json', '--overlap-hours=1', 'x'), fc.string());
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), (argv) => {
        try {
          parseKeyArguments(argv);
        } catch (error) {
          expect(error).toBeInstanceOf(StartError);
        }
      }),
    );
  });
});
