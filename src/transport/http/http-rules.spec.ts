import { describe, expect, it } from '@jest/globals';
import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { decode, LEGACY_REVISIONS } from '../../protocol/index.js';
import {
  accepts,
  checkMediaTypes,
  checkRevision,
  eraOfFault,
  isModernNotification,
  modernRequest,
  requestIdOf,
} from './http-rules.js';

const asking = (headers: Record<string, string | undefined>): IncomingMessage =>
  ({ headers }) as unknown as IncomingMessage;
const takes = (accept: string | undefined, type: Parameters<typeof accepts>[1]): boolean =>
  accepts(asking({ accept }), type);

describe('accepts', () => {
  it.each<[string | undefined, boolean, boolean]>([
    [undefined, true, true],
    ['application/json, text/event-stream', true, true],
    ['application/json,text/event-stream', true, true],
    ['APPLICATION/JSON;q=1, Text/Event-Stream', true, true],
    ['application/json', true, false],
    ['text/event-stream', false, true],
    ['application/*', true, false],
    ['text/*, application/json', true, true],
    ['*/*', true, true],
    ['*/*;q=0.1', true, true],
    ['*/*;q=0', false, false],
    ['*/*;q=0.000', false, false],
    ['application/json;q=0, */*', false, true],
    ['*/*, application/json;q=0', false, true],
    ['application/*;q=0, application/json', true, false],
    ['text/*;q=0, */*', true, false],
    ['application/json;q=0.001', true, false],
    ['application/json;q=0, application/json;q=1', true, false],
    ['application/json ; q=0', false, false],
    ['application/json;charset=utf-8;q=0', false, false],
    ['text/html', false, false],
    ['application/jsonx, xtext/event-stream', false, false],
    ['', false, false],
    [',;,', false, false],
  ])('RFC 9110 12.5.1 %j', (accept, json, stream) => {
    expect([takes(accept, 'application/json'), takes(accept, 'text/event-stream')]).toEqual([json, stream]);
  });

  it('the order of the ranges does not matter', () => {
    const range = fc
      .tuple(
        fc.constantFrom('application/json', 'application/*', '*/*', 'text/event-stream', 'text/*', 'text/html'),
        fc.constantFrom('', ';q=0', ';q=0.0', ';q=0.5', ';q=1'),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.array(range, { maxLength: 5 }), (ranges) => {
        for (const type of ['application/json', 'text/event-stream'] as const) {
          expect(takes([...ranges].reverse().join(', '), type)).toBe(takes(ranges.join(','), type));
        }
      }),
    );
  });

  it('never throws, whatever a client sends', () => {
    fc.assert(fc.property(fc.string(), (accept) => expect(typeof takes(accept, 'application/json')).toBe('boolean')));
  });
});

describe('checkMediaTypes', () => {
  const check = (headers: Record<string, string | undefined>) => () =>
    checkMediaTypes(asking({ 'content-type': 'application/json', ...headers }));

  it('takes JSON that comes as it is, from who takes both forms of an answer', () => {
    for (const headers of [{}, { 'content-type': 'application/json;x' }, { 'content-encoding': 'identity' }]) {
      expect(check(headers)).not.toThrow();
    }
  });

  it.each([
    [{ 'content-type': undefined }, 'unsupported_media_type'],
    [{ 'content-type': '' }, 'unsupported_media_type'],
    [{ 'content-type': 'application/json, text/plain' }, 'unsupported_media_type'],
    [{ 'content-encoding': 'br' }, 'unsupported_media_type'],
    [{ accept: 'application/json' }, 'not_acceptable'],
  ])('refuses %j', (headers, kind) => {
    expect(check(headers)).toThrow(expect.objectContaining({ kind }));
  });
});

describe('checkRevision', () => {
  it('takes any revision of 2025, and none', () => {
    for (const revision of [undefined, ...LEGACY_REVISIONS]) {
      expect(() => checkRevision(asking({ 'mcp-protocol-version': revision }))).not.toThrow();
    }
  });

  it('D-1 tells a later revision by what is wrong with it', () => {
    expect(() => checkRevision(asking({ 'mcp-protocol-version': '2026-07-28' }))).toThrow(
      expect.objectContaining({ kind: 'header_mismatch' }),
    );
    expect(() => checkRevision(asking({ 'mcp-protocol-version': `x\u009b${'y'.repeat(100)}` }))).toThrow(
      expect.objectContaining({
        kind: 'unsupported_revision',
        data: { supported: expect.any(Array) as unknown, requested: `x\\u009b${'y'.repeat(62)}…` },
      }),
    );
    const kinds = ['unsupported_revision', 'header_mismatch', 'not_acceptable'] as const;
    expect(kinds.map((kind) => eraOfFault(kind, asking({})))).toEqual(['modern', 'modern', 'legacy']);
    const modern = asking({ 'mcp-protocol-version': '2026-07-28' });
    expect(kinds.map((kind) => eraOfFault(kind, modern))).toEqual(['modern', 'modern', 'modern']);
  });
});

describe('what a POST holds', () => {
  const meta = '"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}';

  it('is one modern request, or not', () => {
    expect(modernRequest(decode(`{"jsonrpc":"2.0","id":1,"method":"x","params":{${meta}}}`))).toMatchObject({ id: 1 });
    for (const text of [
      `{"jsonrpc":"2.0","method":"x","params":{${meta}}}`,
      `[{"jsonrpc":"2.0","id":1,"method":"x","params":{${meta}}}]`,
      '{"jsonrpc":"2.0","id":1,"method":"x"}',
      '{"jsonrpc":"2.0","id":1,"result":{}}',
      '{',
    ]) {
      expect(modernRequest(decode(text))).toBeUndefined();
    }
  });

  it('is a notification of 2026-07-28 by its header', () => {
    const is = (text: string, revision?: string): boolean =>
      isModernNotification(decode(text), asking({ 'mcp-protocol-version': revision }));
    expect(is('{"jsonrpc":"2.0","method":"x"}', '2026-07-28')).toBe(true);
    expect(is('{"jsonrpc":"2.0","method":"x"}', '2025-11-25')).toBe(false);
    expect(is('{"jsonrpc":"2.0","method":"x"}')).toBe(false);
    expect(is('{"jsonrpc":"2.0","id":1,"method":"x"}', '2026-07-28')).toBe(false);
    expect(is('[]', '2026-07-28')).toBe(false);
  });

  it('W-15 has an id, where one can be read', () => {
    expect(requestIdOf(decode('{"jsonrpc":"2.0","id":"a","method":"x"}'))).toBe('a');
    expect(requestIdOf(decode('{"id":0}'))).toBe(0);
    for (const text of ['{"jsonrpc":"2.0","method":"x"}', '{"jsonrpc":"2.0","id":1,"result":{}}', '[{"id":1}]', '{']) {
      expect(requestIdOf(decode(text))).toBeNull();
    }
  });
});
