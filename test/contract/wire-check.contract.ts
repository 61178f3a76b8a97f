import { describe, expect, it } from '@jest/globals';
import type { Message } from '../support/messages.js';
import { Conversation, WireRecord } from '../support/wire/conversation.js';
import { faultsOfMessage } from '../support/wire/message-faults.js';
import { MODERN, SPEC_REVISIONS, type SpecRevision } from '../support/wire/spec-schema.js';

const result = (value: object, id: unknown = 1): Message => ({ jsonrpc: '2.0', id, result: { ...value } });
const error = (code: number, data?: object, id: unknown = 1): Message => ({
  jsonrpc: '2.0',
  id,
  error: { code, message: 'no', ...(data && { data: { ...data } }) },
});
const notice = (method: string, params: object = {}): Message => ({ jsonrpc: '2.0', method, params: { ...params } });

const AUDIO = { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' };
const LINK = { type: 'resource_link', uri: 'a:b', name: 'b' };
const whole = { resultType: 'complete' };
const kept = { ttlMs: 0, cacheScope: 'private' };
const task = {
  taskId: 't',
  status: 'working',
  createdAt: '2026-07-28T00:00:00Z',
  lastUpdatedAt: '2026-07-28T00:00:00Z',
};

/** A message, what it answers, and a piece of what is wrong with it; nothing where it is sound. */
type Case = readonly [revision: SpecRevision, message: Message, answers: string | undefined, fault: string | undefined];

const CASES: readonly Case[] = [
  ...SPEC_REVISIONS.filter((revision) => revision < MODERN).flatMap((revision): Case[] => [
    [revision, result({}), 'ping', undefined],
    [revision, result({ more: 1 }), 'ping', 'an empty result has no more'],
    [revision, result({ tools: [{ name: 'a' }] }), 'tools/list', 'inputSchema'],
    [revision, result({ tools: [{ name: 'a', inputSchema: { type: 'array' } }] }), 'tools/list', 'type'],
    [revision, result({ content: [{ type: 'text' }] }), 'tools/call', 'content'],
    [revision, result({ content: [{ type: 'text', text: 'x' }] }), 'tools/call', undefined],
    [revision, result({}), undefined, 'answers what nobody asked'],
    [revision, error(-32601, undefined, null), undefined, undefined],
    [revision, { ...error(-32601), id: {} }, 'ping', 'id'],
    [revision, error(1.5), 'ping', 'code'],
    [revision, notice('notifications/progress', { progress: 1 }), undefined, 'progressToken'],
    [revision, notice('notifications/progress', { progressToken: 1.5, progress: 1 }), undefined, 'progressToken'],
    [revision, notice('notifications/made/up'), undefined, 'no server sends'],
    [revision, notice('notifications/initialized'), undefined, 'no server sends'],
    [revision, { jsonrpc: '2.0', id: 1, method: 'roots/list' }, undefined, undefined],
    [revision, { jsonrpc: '2.0', id: 1, method: 'tools/list' }, undefined, 'no server sends'],
  ]),
  ['2024-11-05', result({ content: [AUDIO] }), 'tools/call', 'content'],
  ['2025-03-26', result({ content: [AUDIO] }), 'tools/call', undefined],
  ['2025-03-26', result({ content: [LINK] }), 'tools/call', 'content'],
  ['2025-06-18', result({ content: [LINK] }), 'tools/call', undefined],
  ['2025-03-26', { jsonrpc: '2.0', id: 1, method: 'elicitation/create', params: {} }, undefined, 'no server sends'],
  [
    '2025-11-25',
    { jsonrpc: '2.0', id: 1, method: 'elicitation/create', params: { mode: 'url', message: 'm', url: 'https://a.b' } },
    undefined,
    'elicitationId',
  ],
  [MODERN, result({ content: [] }), 'tools/call', 'resultType'],
  [MODERN, result({ ...whole, content: [] }), 'tools/call', undefined],
  [MODERN, result({ ...whole, tools: [] }), 'tools/list', 'cacheScope'],
  [MODERN, result({ ...whole, ...kept, tools: [] }), 'tools/list', undefined],
  [
    MODERN,
    result({ resultType: 'input_required', inputRequests: { a: { method: 'tools/list' } } }),
    'tools/call',
    'InputRequired',
  ],
  [MODERN, result({ resultType: 'task', ...task, ttlMs: null }), 'tools/call', undefined],
  [MODERN, result({ resultType: 'task', ...task }), 'tools/call', 'ttlMs'],
  [MODERN, result({ ...whole, ...task, ttlMs: 1, status: 'completed' }), 'tasks/get', 'result'],
  [MODERN, result({ ...whole, ...task, ttlMs: 1, result: { ...whole, content: [] } }), 'tasks/get', 'false'],
  [MODERN, result({ ...whole, taskId: 't' }), 'tasks/cancel', 'additional properties'],
  [MODERN, { jsonrpc: '2.0', id: 1, method: 'roots/list' }, undefined, 'sends no requests'],
  [MODERN, error(-32601, undefined, null), undefined, 'id'],
  [MODERN, { jsonrpc: '2.0', error: { code: -32601, message: 'no' } }, undefined, undefined],
  [MODERN, error(-32002), 'resources/read', 'earlier revisions'],
  [MODERN, error(-32000), 'tools/call', 'nothing new may use'],
  [MODERN, error(-32050), 'tools/call', 'not defined'],
  [MODERN, error(-32022), 'tools/list', 'data'],
  [MODERN, error(-32021, { requiredCapabilities: {} }), 'tools/call', undefined],
  [MODERN, error(50300), 'tools/call', undefined],
  [MODERN, notice('notifications/tasks', { ...task, ttlMs: 1 }), undefined, '_meta'],
  [MODERN, notice('notifications/subscriptions/acknowledged', { notifications: {} }), undefined, undefined],
];

describe('the check of every message', () => {
  it.each(CASES)('in %s finds in %j, which answers %s: %s', (revision, message, answers, fault) => {
    const faults = faultsOfMessage({ message, revision, answers });
    if (fault === undefined) expect(faults).toEqual([]);
    else expect(faults.join('\n')).toContain(fault);
  });

  it('knows each message by the session and the request that it belongs to', () => {
    const record = new WireRecord();
    const conversation = new Conversation(record);
    conversation.clientSent({ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} });
    const capabilities = { protocolVersion: '2025-03-26', capabilities: {}, serverInfo: { name: 'a', version: '1' } };
    conversation.serverSent(result(capabilities));
    conversation.clientSent([{ jsonrpc: '2.0', id: 'a', method: 'ping' }]);
    conversation.serverSent([result({}, 'a')]);
    const _meta = { 'io.modelcontextprotocol/protocolVersion': MODERN, progressToken: 'p' };
    conversation.clientSent({ jsonrpc: '2.0', id: 'm', method: 'tools/call', params: { _meta } });
    conversation.serverSent(notice('notifications/progress', { progressToken: 'p', progress: 1 }));
    conversation.serverSent(result({ ...whole, content: [] }, 'm'));
    record.assertSound();
    expect([record.countOf('2025-03-26'), record.countOf(MODERN)]).toEqual([2, 2]);
    conversation.serverSent(result({ content: [] }, 'm'));
    conversation.serverSent(result({}, 'nobody asked'));
    expect(() => record.assertSound()).toThrow(/^3 faults .*resultType.*nobody asked/s);
    record.assertSound();
  });

  it('knows batches in one revision alone', () => {
    const record = new WireRecord();
    new Conversation(record, '2025-06-18').serverSent([error(-32600, undefined, null)]);
    expect(() => record.assertSound()).toThrow(/a batch outside of 2025-03-26/);
  });
});
