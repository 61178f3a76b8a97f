import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ErrorKind } from '../common/index.js';
import { decode, DECODE_LIMITS, type Decoded, isMalformed, type Malformed } from './decode.js';
import { isNotification, isRequest } from './json-rpc.js';

function one(text: string, limits = DECODE_LIMITS): Decoded {
  const decoded = decode(text, limits);
  if (Array.isArray(decoded)) throw new Error('It is a batch');
  return decoded;
}

/** What is wrong with a text, whose size has to be told with it. */
function refused(text: string, limits = DECODE_LIMITS): Omit<Malformed, 'bytes'> {
  const decoded = one(text, limits);
  if (!isMalformed(decoded)) throw new Error(`It is a message: ${text}`);
  const { bytes, ...rest } = decoded;
  expect(bytes).toBe(new TextEncoder().encode(text).length);
  return rest;
}

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' } as const;
const text = (more: object): string => JSON.stringify({ ...PING, ...more });

describe('decode: messages', () => {
  it.each([
    { jsonrpc: '2.0', id: 1, method: 'ping' },
    { jsonrpc: '2.0', id: 0, method: 'ping', params: {} },
    { jsonrpc: '2.0', id: -1, method: 'ping' },
    { jsonrpc: '2.0', id: '', method: 'ping' },
    { jsonrpc: '2.0', id: 'a"b\n', method: '', params: { a: [{ b: null }] } },
    { jsonrpc: '2.0', id: Number.MAX_SAFE_INTEGER, method: 'ping' },
  ])('W-8 takes the request %j', (message) => {
    const decoded = one(JSON.stringify(message));
    expect(decoded).toEqual(message);
    expect(!isMalformed(decoded) && isRequest(decoded) && !isNotification(decoded)).toBe(true);
  });

  it('takes a notification', () => {
    const decoded = one('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    expect(!isMalformed(decoded) && isNotification(decoded) && !isRequest(decoded)).toBe(true);
  });

  it.each([
    { jsonrpc: '2.0', id: 's-1', result: {} },
    { jsonrpc: '2.0', id: 1, result: { roots: [] } },
    { jsonrpc: '2.0', id: 1, error: { code: -32601, message: 'no' } },
    { jsonrpc: '2.0', id: 1, error: { code: 1, message: '', data: [1] } },
    { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'Parse error' } },
    { jsonrpc: '2.0', error: { code: -32700, message: 'Parse error' } },
  ])('takes the response %j', (message) => {
    const decoded = one(JSON.stringify(message));
    expect(decoded).toEqual(message);
    expect(!isMalformed(decoded) && !isRequest(decoded) && !isNotification(decoded)).toBe(true);
  });

  it('W-11 leaves data as it came', () => {
    const params = {
      code: '<script>alert(1)</script>',
      uri: 'javascript:x',
      $key: '../..',
      'on click=': '${x}',
      n: -0.5,
    };
    expect(one(text({ params }))).toEqual({ ...PING, params });
  });
});

describe('decode: refusals', () => {
  it.each<[string, ErrorKind, string]>([
    ['', 'parse_error', 'Parse error'],
    ['{', 'parse_error', 'Parse error'],
    ['{"jsonrpc":"2.0","id":1,"method":"ping"', 'parse_error', 'Parse error'],
    ["{'id':1}", 'parse_error', 'Parse error'],
    ['NaN', 'parse_error', 'Parse error'],
    ['null', 'invalid_request', 'Invalid request: expected object, got null'],
    ['1', 'invalid_request', 'Invalid request: expected object, got number'],
    ['"text"', 'invalid_request', 'Invalid request: expected object, got string'],
    ['true', 'invalid_request', 'Invalid request: expected object, got boolean'],
    ['[]', 'invalid_request', 'Invalid request: empty batch'],
  ])('S1-13 refuses %j', (given, kind, message) => {
    expect(refused(given)).toEqual({ id: null, fault: { kind, message } });
  });

  it.each<[object, string]>([
    [{ jsonrpc: '1.0' }, 'Invalid request: Invalid JSON-RPC version'],
    [{ jsonrpc: 2 }, 'Invalid request: Invalid JSON-RPC version'],
    [{ jsonrpc: undefined }, 'Invalid request: Invalid JSON-RPC version'],
    [{ method: 1 }, 'Invalid request: method must be a string'],
    [{ method: null }, 'Invalid request: method must be a string'],
    [{ params: null }, 'Invalid request: params must be an object'],
    [{ params: [] }, 'Invalid request: params must be an object'],
    [{ params: 'x' }, 'Invalid request: params must be an object'],
    [{ method: undefined }, 'Invalid request: Invalid JSON-RPC structure'],
    [{ method: undefined, result: null }, 'Invalid request: Invalid JSON-RPC structure'],
    [{ method: undefined, result: [] }, 'Invalid request: Invalid JSON-RPC structure'],
    [{ method: undefined, error: { code: 1.5, message: '' } }, 'Invalid request: Invalid JSON-RPC structure'],
    [{ method: undefined, error: { code: 1 } }, 'Invalid request: Invalid JSON-RPC structure'],
    [{ method: undefined, result: {}, error: { code: 1, message: '' } }, 'Invalid request: Invalid JSON-RPC structure'],
  ])('W-15 echoes the id where it refuses %j', (more, message) => {
    for (const id of [7, 0, 'seven', '']) {
      expect(refused(text({ id, ...more }))).toEqual({ id, fault: { kind: 'invalid_request', message } });
    }
  });

  it.each(['1.5', 'null', 'true', '{}', '[]', '1e400', '9007199254740993', '-9007199254740992', '1e300'])(
    'refuses the id %s: what is echoed must be what was sent',
    (id) => {
      expect(refused(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`)).toEqual({
        id: null,
        fault: {
          kind: 'invalid_request',
          message: 'Invalid request: id must be a string or an integer of 53 bits at most',
        },
      });
    },
  );

  it('refuses a result without an id', () => {
    expect(refused('{"jsonrpc":"2.0","result":{}}')).toMatchObject({ id: null, fault: { kind: 'invalid_request' } });
    expect(refused('{"jsonrpc":"2.0","id":null,"result":{}}')).toMatchObject({ id: null });
  });

  it.each(['__proto__', 'constructor', 'prototype'])('W-11 refuses the key %s, wherever it stands', (key) => {
    const fault = { kind: 'forbidden_key', message: `Invalid request: forbidden key "${key}"` };
    expect(refused(`{"jsonrpc":"2.0","id":1,"method":"ping","${key}":{}}`)).toEqual({ id: 1, fault });
    expect(refused(`{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":[[{"${key}":1}]]}}`)).toEqual({
      id: 1,
      fault,
    });
    expect(refused(`{"${key}":1}`)).toEqual({ id: null, fault });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('W-11 refuses a forbidden key at any depth, however it is spelt', () => {
    const spelt = (key: string, escaped: readonly boolean[]): string =>
      [...key]
        .map((c, i) => (escaped[i] ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0').toUpperCase()}` : c))
        .join('');
    fc.assert(
      fc.property(
        fc.constantFrom('__proto__', 'constructor', 'prototype'),
        fc.array(fc.boolean(), { minLength: 11, maxLength: 11 }),
        fc.array(fc.constantFrom('object', 'array', 'beside'), { maxLength: 60 }),
        (key, escaped, path) => {
          let inner = `{"${spelt(key, escaped)}":{"polluted":true}}`;
          for (const step of path) {
            if (step === 'object') inner = `{"a":${inner}}`;
            else if (step === 'array') inner = `[${inner}]`;
            else inner = `{"a":[1,{"b":null}],"c":${inner}}`;
          }
          expect(refused(`{"jsonrpc":"2.0","id":"x","method":"m","params":{"p":${inner}}}`)).toEqual({
            id: 'x',
            fault: { kind: 'forbidden_key', message: `Invalid request: forbidden key "${key}"` },
          });
        },
      ),
    );
  });

  it('takes the same words as values, and keys that only look like them', () => {
    const params = { a: '__proto__', b: ['constructor'], proto: 1, _proto_: 2, Constructor: 3, 'prototype ': 4 };
    expect(one(text({ params }))).toMatchObject({ params });
  });
});

describe('decode: limits', () => {
  const nested = (levels: number, open: string, close: string): string => open.repeat(levels) + close.repeat(levels);
  const message = (params: string): string => `{"jsonrpc":"2.0","id":3,"method":"m","params":{"a":${params}}}`;

  it('W-11 takes 64 levels, and refuses 65', () => {
    // The message is level 1, its params level 2.
    expect(one(message(nested(62, '[', ']')))).toMatchObject({ id: 3 });
    const fault = { kind: 'too_complex', message: 'Invalid request: nested deeper than 64 levels' };
    expect(refused(message(nested(63, '[', ']')))).toEqual({ id: 3, fault });
    expect(refused(message(`${'{"b":'.repeat(63)}1${'}'.repeat(63)}`))).toEqual({ id: 3, fault });
  });

  it('refuses what nests deeper than a stack', () => {
    expect(refused(message(nested(90_000, '[', ']'))).fault.kind).toBe('too_complex');
    expect(refused(nested(1_000_000, '[', ']')).fault.kind).toMatch(/too_complex|parse_error/);
  });

  it('W-11 takes as many keys and items as the limit says, and not one more', () => {
    const limits = { maxDepth: 10, maxNodes: 12 };
    const fault = { kind: 'too_complex', message: 'Invalid request: more than 12 keys and items' };
    // Five keys are the message's own.
    expect(one(message('[1,2,3,4,5,6,7]'), limits)).toMatchObject({ id: 3 });
    expect(refused(message('[1,2,3,4,5,6,7,8]'), limits)).toEqual({ id: 3, fault });
    expect(one(message('{"a":1,"b":[1,2,3],"c":{}}'), limits)).toMatchObject({ id: 3 });
    expect(refused(message('{"a":1,"b":[1,2,3],"c":{"d":[1]}}'), limits)).toEqual({ id: 3, fault });
    expect(refused(message('{"a":1,"b":[[[]],{}],"c":{"d":{"e":1}}}'), limits)).toEqual({ id: 3, fault });
  });

  it('refuses a flood of items without building it', () => {
    const flood = `[${'0,'.repeat(DECODE_LIMITS.maxNodes * 2 + 2)}0]`;
    expect(refused(flood)).toMatchObject({ id: null, fault: { kind: 'too_complex' } });
    expect(refused(message(flood))).toMatchObject({ fault: { kind: 'too_complex' } });
  });

  it('takes a large text that holds few items', () => {
    const large = 'x,[{'.repeat(250_000);
    expect(one(text({ params: { large } }))).toMatchObject({ params: { large } });
  });
});

describe('decode: batches', () => {
  it('reads each member by itself, in order', () => {
    const decoded = decode(`[${text({})},1,{"jsonrpc":"2.0","method":"n"},[],{"id":5,"__proto__":1}]`);
    expect(decoded).toEqual([
      PING,
      { id: null, fault: { kind: 'invalid_request', message: 'Invalid request: expected object, got number' } },
      { jsonrpc: '2.0', method: 'n' },
      { id: null, fault: { kind: 'invalid_request', message: 'Invalid request: expected object, got array' } },
      { id: 5, fault: { kind: 'forbidden_key', message: 'Invalid request: forbidden key "__proto__"' } },
    ]);
  });
});

describe('decode: anything', () => {
  const FORBIDDEN = ['__proto__', 'constructor', 'prototype'];
  const holdsForbidden = (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).some(
      ([key, item]) => (!Array.isArray(value) && FORBIDDEN.includes(key)) || holdsForbidden(item),
    );

  it('never throws, and echoes nothing but a string or an integer', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map((json) => json.slice(0, -1)),
    );
    fc.assert(
      fc.property(texts, (given) => {
        const decoded = decode(given);
        for (const message of Array.isArray(decoded) ? decoded : [decoded]) {
          if (!isMalformed(message)) expect(message.jsonrpc).toBe('2.0');
          else if (message.id !== null)
            expect(typeof message.id === 'string' || Number.isSafeInteger(message.id)).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('takes a request with any params, unless a forbidden key is in them', () => {
    const params = fc.dictionary(fc.oneof(fc.string(), fc.constantFrom(...FORBIDDEN)), fc.jsonValue({ maxDepth: 4 }), {
      maxKeys: 4,
    });
    fc.assert(
      fc.property(params, (value) => {
        const json = JSON.stringify({ ...PING, params: value });
        const decoded = one(json);
        if (holdsForbidden(JSON.parse(json)))
          expect(decoded).toMatchObject({ id: 1, fault: { kind: 'forbidden_key' } });
        else expect(decoded).toEqual(JSON.parse(json));
      }),
      { numRuns: 500 },
    );
  });
});
