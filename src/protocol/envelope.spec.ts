import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decode, isInitialize } from './decode.js';
import { eraOf, META, readEnvelope, revisionOf, SUPPORTED_REVISIONS } from './envelope.js';
import { encodeRequest, encodeResult, modernBody, SerializedResult } from './json-rpc.js';

const meta = { [META.protocolVersion]: '2026-07-28', [META.clientCapabilities]: { roots: {} } };

describe('readEnvelope', () => {
  it('reads what a modern request says of its sender', () => {
    expect(readEnvelope({ _meta: meta })).toEqual({
      capabilities: { roots: {} },
      logLevel: undefined,
      progressToken: undefined,
    });
    const more = { ...meta, [META.logLevel]: 'debug', progressToken: 0, 'example.com/x': 1 };
    expect(readEnvelope({ _meta: more, name: 'x' })).toEqual({
      capabilities: { roots: {} },
      logLevel: 'debug',
      progressToken: 0,
    });
    for (const progressToken of [{}, null, true, 1.5, []]) {
      expect(() => readEnvelope({ _meta: { ...meta, progressToken } })).toThrow(
        expect.objectContaining({ kind: 'invalid_params', message: expect.stringContaining('progressToken') }),
      );
    }
  });

  it.each([
    [undefined, '_meta'],
    [{}, '_meta'],
    [{ _meta: [] }, '_meta'],
    [{ _meta: {} }, META.protocolVersion],
    [{ _meta: { ...meta, [META.protocolVersion]: 20260728 } }, META.protocolVersion],
    [{ _meta: { [META.protocolVersion]: '2026-07-28' } }, META.clientCapabilities],
    [{ _meta: { ...meta, [META.clientCapabilities]: [] } }, META.clientCapabilities],
    [{ _meta: { ...meta, [META.logLevel]: 5 } }, META.logLevel],
  ])('D-1 names what is missing of %j', (params, field) => {
    expect(() => readEnvelope(params)).toThrow(
      expect.objectContaining({
        kind: 'invalid_envelope',
        message: `Invalid params: every request needs ${field} in _meta, of its type`,
      }),
    );
  });

  it.each(['2025-11-25', '2099-01-01', ''])('D-1 names the revisions that there are to who asks for %j', (revision) => {
    expect(() => readEnvelope({ _meta: { ...meta, [META.protocolVersion]: revision } })).toThrow(
      expect.objectContaining({
        kind: 'unsupported_revision',
        data: { supported: SUPPORTED_REVISIONS, requested: revision },
      }),
    );
  });

  it('names revisions newest first', () => {
    expect(SUPPORTED_REVISIONS).toEqual(['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']);
  });

  it('agrees with the era: what has a revision is modern', () => {
    const values = fc.oneof(fc.constantFrom<unknown>('2026-07-28', '', 5, null), fc.jsonValue());
    fc.assert(
      fc.property(values, (value) => {
        const params = { _meta: { [META.protocolVersion]: value } };
        expect(eraOf({ method: 'x', params })).toBe('modern');
        expect(revisionOf(params)).toBe(typeof value === 'string' ? value : undefined);
      }),
    );
    expect([revisionOf(undefined), revisionOf({}), revisionOf({ _meta: [] })]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('modernBody', () => {
  const about = { [META.serverInfo]: { name: 'x', version: '1' } };

  it('is the result with its type, and what the server says of itself', () => {
    expect(JSON.parse(modernBody({ tools: [] }, JSON.stringify(about)))).toEqual({
      resultType: 'complete',
      _meta: about,
      tools: [],
    });
    expect(JSON.parse(modernBody({}, JSON.stringify(about)))).toEqual({ resultType: 'complete', _meta: about });
    expect(JSON.parse(modernBody({ resultType: 'task', _meta: { a: 1 } }, JSON.stringify(about)))).toEqual({
      resultType: 'task',
      _meta: { ...about, a: 1 },
    });
  });

  it('is one line of JSON that decodes to what was given', () => {
    // Keys that no message may hold are for other tests.
    const objects = fc
      .dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 })
      .map((object) => JSON.parse(JSON.stringify(object)) as Record<string, unknown>)
      .filter((object) => !/"(__proto__|constructor|prototype|_meta|resultType)":/.test(JSON.stringify(object)));
    fc.assert(
      fc.property(objects, objects, (result, own) => {
        const body = modernBody({ ...result, _meta: own }, JSON.stringify(about));
        expect(body).not.toMatch(/[\r\n]/);
        expect(decode(encodeResult(1, new SerializedResult(body)))).toEqual({
          jsonrpc: '2.0',
          id: 1,
          result: { resultType: 'complete', _meta: { ...about, ...own }, ...result },
        });
      }),
    );
  });
});

describe('encodeRequest', () => {
  it('is a request, with params or without', () => {
    expect(decode(encodeRequest('a-1', 'roots/list'))).toEqual({ jsonrpc: '2.0', id: 'a-1', method: 'roots/list' });
    expect(decode(encodeRequest('a-1', 'x', { b: 1 }))).toEqual({
      jsonrpc: '2.0',
      id: 'a-1',
      method: 'x',
      params: { b: 1 },
    });
  });
});

describe('isInitialize', () => {
  it('knows the one request that opens a session', () => {
    const is = (text: string): boolean => isInitialize(decode(text));
    expect(is('{"jsonrpc":"2.0","id":1,"method":"initialize"}')).toBe(true);
    expect(is('{"jsonrpc":"2.0","method":"initialize"}')).toBe(false);
    expect(is('[{"jsonrpc":"2.0","id":1,"method":"initialize"}]')).toBe(false);
    expect(is('{"jsonrpc":"2.0","id":1,"method":"ping"}')).toBe(false);
    expect(is('{"jsonrpc":"2.0","id":1,"result":{}}')).toBe(false);
    expect(is('{')).toBe(false);
  });
});
