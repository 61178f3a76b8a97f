import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decode } from './decode.js';
import {
  encodeError,
  encodeNotification,
  encodeResult,
  isNotification,
  isRequest,
  type Message,
  SerializedResult,
} from './json-rpc.js';

const ids = fc.oneof(fc.string(), fc.maxSafeInteger());
// Keys that no message may hold, and -0, which JSON has not, are for other tests.
const values = fc
  .jsonValue({ maxDepth: 5 })
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown)
  .filter((value) => !/"(__proto__|constructor|prototype)":/.test(JSON.stringify(value)));
const objects = fc
  .dictionary(fc.string(), values, { maxKeys: 4, noNullPrototype: true })
  .map((object) => JSON.parse(JSON.stringify(object)) as Record<string, unknown>)
  .filter((value) => !/"(__proto__|constructor|prototype)":/.test(JSON.stringify(value)));

describe('JSON-RPC', () => {
  it('any message survives its way over the wire', () => {
    const messages: fc.Arbitrary<Message> = fc.oneof(
      fc.record({ jsonrpc: fc.constant('2.0' as const), id: ids, method: fc.string(), params: objects }),
      fc.record({ jsonrpc: fc.constant('2.0' as const), id: ids, method: fc.string() }),
      fc.record({ jsonrpc: fc.constant('2.0' as const), method: fc.string(), params: objects }),
      fc.record({ jsonrpc: fc.constant('2.0' as const), id: ids, result: objects }),
      fc.record({
        jsonrpc: fc.constant('2.0' as const),
        id: ids,
        error: fc.record({ code: fc.integer(), message: fc.string(), data: values }),
      }),
    );
    fc.assert(
      fc.property(messages, (message) => {
        expect(decode(JSON.stringify(message))).toEqual(message);
        expect(decode(JSON.stringify([message, message]))).toEqual([message, message]);
      }),
      { numRuns: 500 },
    );
  });

  it('a result is what was given, serialised beforehand or not', () => {
    fc.assert(
      fc.property(ids, objects, (id, result) => {
        const message = { jsonrpc: '2.0', id, result };
        expect(decode(encodeResult(id, result))).toEqual(message);
        expect(decode(encodeResult(id, new SerializedResult(JSON.stringify(result))))).toEqual(message);
      }),
    );
  });

  it('an error is what was given, also where no id could be read', () => {
    fc.assert(
      fc.property(fc.option(ids), fc.integer(), fc.string(), values, (id, code, message, data) => {
        const error = { code, message, data };
        expect(decode(encodeError(id, error))).toEqual({ jsonrpc: '2.0', id, error });
      }),
    );
    expect(encodeError(1, { code: -32601, message: 'no' })).toBe(
      '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}',
    );
  });

  it('a notification is what was given, with params or without', () => {
    fc.assert(
      fc.property(fc.string(), objects, (method, params) => {
        expect(decode(encodeNotification(method, params))).toEqual({ jsonrpc: '2.0', method, params });
      }),
    );
    expect(encodeNotification('notifications/x')).toBe('{"jsonrpc":"2.0","method":"notifications/x"}');
  });

  it('what is encoded is one line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), values, (text, data) => {
        const lines = [
          encodeResult(text, { text, data }),
          encodeError(text, { code: 1, message: text, data }),
          encodeNotification(text, { text, data }),
        ];
        for (const line of lines) expect(line).not.toMatch(/[\r\n]/);
      }),
    );
  });

  it('tells requests, notifications and responses apart', () => {
    const request: Message = { jsonrpc: '2.0', id: 0, method: 'm' };
    const notification: Message = { jsonrpc: '2.0', method: 'm' };
    const response: Message = { jsonrpc: '2.0', id: 0, result: {} };
    expect([request, notification, response].map(isRequest)).toEqual([true, false, false]);
    expect([request, notification, response].map(isNotification)).toEqual([false, true, false]);
  });
});
