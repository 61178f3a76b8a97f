import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import type { Json, Message } from '../../support/messages.js';
import { modernError, modernRequest, modernResult, type RawModern } from '../../support/raw-modern.js';
import { type Behaviour, textOf } from './behaviour.js';

const SERVER = { 'io.modelcontextprotocol/serverInfo': { name: 'gatehouse', version: expect.any(String) } };
const SUPPORTED = ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

export interface ModernSubject {
  readonly client: RawModern;
}

export type ModernBehaviour = Behaviour<ModernSubject>;

const call = (name: string, args: Json = {}): Json => ({ name, arguments: args });

export const STATELESS: readonly ModernBehaviour[] = [
  {
    name: 'server/discover names the revisions, what the server can do, and who it is',
    spec: 'server/discover',
    run: async ({ client }) => {
      expect(await modernResult(client, 'server/discover')).toEqual({
        resultType: 'complete',
        supportedVersions: SUPPORTED,
        capabilities: {
          tools: { listChanged: true },
          resources: { listChanged: true, subscribe: true },
          prompts: { listChanged: true },
          logging: {},
          completions: {},
          extensions: { 'io.modelcontextprotocol/tasks': {} },
        },
        ttlMs: expect.any(Number),
        cacheScope: 'public',
        _meta: SERVER,
      });
    },
  },
  ...(
    [
      ['tools/list', 'tools', {}],
      ['resources/list', 'resources', {}],
      ['resources/templates/list', 'resourceTemplates', {}],
      ['prompts/list', 'prompts', {}],
    ] as const
  ).map(([method, list, params]) => ({
    name: `${method} says on every page how long and by whom it may be kept`,
    spec: 'server/utilities/caching',
    run: async ({ client }: ModernSubject) => {
      let cursor: unknown;
      do {
        const page = await modernResult(client, method, { ...params, ...(cursor !== undefined && { cursor }) });
        expect(page).toMatchObject({ resultType: 'complete', ttlMs: 300_000, cacheScope: 'public', _meta: SERVER });
        expect(page[list]).toBeInstanceOf(Array);
        cursor = page['nextCursor'];
      } while (cursor !== undefined);
    },
  })),
  {
    name: 'what a resource holds is for its reader, and for now',
    spec: 'server/utilities/caching',
    run: async ({ client }) => {
      expect(await modernResult(client, 'resources/read', { uri: 'contract://plain' })).toEqual({
        resultType: 'complete',
        contents: [{ uri: 'contract://plain', mimeType: 'text/plain', text: 'plain' }],
        ttlMs: 0,
        cacheScope: 'private',
        _meta: SERVER,
      });
    },
  },
  {
    name: 'every other result says that it is whole, who it is from, and nothing of caches',
    spec: 'basic, Result Responses; Per-response protocol fields',
    run: async ({ client }) => {
      const results = await Promise.all([
        modernResult(client, 'tools/call', call('echo', { message: 'hi' })),
        modernResult(client, 'prompts/get', { name: 'talk' }),
        modernResult(client, 'completion/complete', {
          ref: { type: 'ref/prompt', name: 'letter' },
          argument: { name: 'tone', value: '' },
        }),
      ]);
      for (const result of results) {
        expect(result).toMatchObject({ resultType: 'complete', _meta: SERVER });
        expect(Object.keys(result)).not.toContain('ttlMs');
      }
    },
  },
  {
    name: 'any JSON is structured content, and icons and titles are there',
    spec: 'server/tools, Structured Content; basic, icons',
    run: async ({ client }) => {
      const result = await modernResult(client, 'tools/call', call('sum', { numbers: [1, 2] }));
      expect(result['structuredContent']).toEqual({ sum: 3 });
      const { resourceTemplates } = await modernResult(client, 'resources/templates/list');
      expect(resourceTemplates).toEqual([expect.objectContaining({ title: 'Fruit', icons: [expect.any(Object)] })]);
    },
  },
  {
    name: 'a revision that is not served is refused, and those that are are named',
    spec: 'basic/versioning, Protocol Version Negotiation',
    run: async ({ client }) => {
      for (const revision of ['1900-01-01', '2025-11-25', '2027-01-01']) {
        expect(await modernError(client, 'tools/list', {}, { revision })).toMatchObject({
          code: -32022,
          message: 'Unsupported protocol version',
          data: { kind: 'unsupported_revision', supported: SUPPORTED, requested: revision },
        });
      }
    },
  },
  ...['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe', 'no/such/method'].map(
    (method) => ({
      name: `there is no ${method}`,
      spec: 'basic/transports/streamable-http, Protocol Version Header; changelog',
      run: async ({ client }: ModernSubject) => {
        expect(await modernError(client, method, { uri: 'contract://plain', level: 'info' })).toMatchObject({
          code: -32601,
          message: `Method not found: ${method}`,
          data: { kind: 'method_not_found' },
        });
      },
    }),
  ),
  {
    name: 'progress comes before the answer, under the token as it was given',
    spec: 'basic/patterns/progress',
    run: async ({ client }) => {
      for (const progressToken of [0, '', 'a "token"', -7]) {
        const frame = modernRequest('tools/call', call('count', { mark: 'm' }), { meta: { progressToken } });
        const { before, answer } = await client.send(frame);
        expect(before.map(({ method, params }) => [method, params])).toEqual(
          [1, 3, 4].map((progress) => [
            'notifications/progress',
            { progressToken, progress, total: 4, message: `m ${progress}` },
          ]),
        );
        expect(textOf(answer.result ?? {})).toBe('counted m');
      }
    },
  },
  {
    name: 'log messages come before the answer of the call that asks for them, from its level on',
    spec: 'server/utilities/logging, Per-request log level',
    run: async ({ client }) => {
      const { before } = await client.send(modernRequest('tools/call', call('log_all'), { logLevel: 'alert' }));
      expect(before.map(({ params }) => params)).toEqual([
        { level: 'alert', logger: 'contract', data: { level: 'alert' } },
        { level: 'emergency', logger: 'contract', data: { level: 'emergency' } },
      ]);
      expect((await client.send(modernRequest('tools/call', call('log_all')))).before).toEqual([]);
      expect(await modernError(client, 'tools/call', call('log_all'), { logLevel: 'loud' })).toMatchObject({
        code: -32602,
        data: { kind: 'invalid_params' },
      });
    },
  },
  {
    name: 'S2-5 an id comes back as it was, of either kind',
    spec: 'basic, Requests; W-8',
    run: async ({ client }) => {
      for (const id of [0, -1, '0', '', 'a "b"', Number.MAX_SAFE_INTEGER]) {
        const { answer } = await client.send({ ...modernRequest('tools/call', call('echo', { message: 'x' })), id });
        expect([answer.id, textOf(answer.result ?? {})]).toEqual([id, 'Echo: x']);
      }
    },
  },
  {
    name: 'the trace context of a request reaches the tool, and what is no text does not',
    spec: 'basic, OpenTelemetry trace context',
    run: async ({ client }) => {
      const trace = {
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01',
        tracestate: 'a=1',
        baggage: 'user=ada',
      };
      const traceOf = async (meta: Json): Promise<unknown> =>
        JSON.parse(textOf(await modernResult(client, 'tools/call', call('trace_of'), { meta })) ?? '');
      expect(await traceOf(trace)).toEqual(trace);
      expect(await traceOf({ ...trace, tracestate: 7 })).toEqual({
        traceparent: trace.traceparent,
        baggage: trace.baggage,
      });
      expect(await traceOf({})).toEqual({});
    },
  },
  {
    name: 'D-3 leaving a request cancels it, and nothing more is sent for it',
    spec: 'basic/patterns/cancellation',
    run: async ({ client }) => {
      const mark = randomUUID();
      const frame = modernRequest('tools/call', call('wait_for_abort', { mark }), { meta: { progressToken: mark } });
      const ongoing = await client.open(frame);
      await ongoing.message(({ method }) => method === 'notifications/progress', 'the first progress');
      await ongoing.leave();
      const seen = await modernResult(client, 'tools/call', call('abort_of', { mark }));
      expect(textOf(seen)).toMatch(/^Cancelled: /);
      expect(ongoing.messages.filter(({ id }) => id === frame.id)).toEqual([]);
    },
  },
];

const acknowledged = ({ method }: Message): boolean => method === 'notifications/subscriptions/acknowledged';

export const SUBSCRIPTIONS: readonly ModernBehaviour[] = [
  {
    name: 'the first message of a subscription says what of it is honoured, under its id',
    spec: 'basic/patterns/subscriptions, Acknowledgment',
    run: async ({ client }) => {
      const notifications = {
        toolsListChanged: true,
        promptsListChanged: false,
        resourceSubscriptions: ['contract://plain'],
        noSuchThing: true,
      };
      const frame = modernRequest('subscriptions/listen', { notifications });
      const ongoing = await client.open(frame);
      const first = await ongoing.message(() => true, 'the first message');
      expect(first).toEqual({
        jsonrpc: '2.0',
        method: 'notifications/subscriptions/acknowledged',
        params: {
          _meta: { 'io.modelcontextprotocol/subscriptionId': frame.id },
          notifications: { toolsListChanged: true, resourceSubscriptions: ['contract://plain'] },
        },
      });
      await ongoing.leave();
    },
  },
  {
    name: 'several subscriptions at once are told apart by their ids, and each brings its own alone',
    spec: 'basic/patterns/subscriptions, Multiple Concurrent Subscriptions',
    run: async ({ client }) => {
      const lists = modernRequest('subscriptions/listen', { notifications: { toolsListChanged: true } });
      const uris = ['contract://plain', 'contract://object'];
      const resources = modernRequest('subscriptions/listen', { notifications: { resourceSubscriptions: uris } });
      const [one, two] = [await client.open(lists), await client.open(resources)];
      await Promise.all([one, two].map((each) => each.message(acknowledged, 'the acknowledgement')));
      await modernResult(client, 'tools/call', call('change_list', { list: 'tools' }));
      await modernResult(client, 'tools/call', call('change_resource', { uri: 'contract://object' }));
      const changed = await one.message(({ method }) => method === 'notifications/tools/list_changed', 'the tools');
      const updated = await two.message(({ method }) => method === 'notifications/resources/updated', 'the resource');
      expect(changed.params).toEqual({ _meta: { 'io.modelcontextprotocol/subscriptionId': lists.id } });
      expect(updated.params).toEqual({
        _meta: { 'io.modelcontextprotocol/subscriptionId': resources.id },
        uri: 'contract://object',
      });
      const idsOf = (messages: readonly Message[], method: string): unknown[] =>
        messages.filter((each) => each.method === method).map(({ params }) => subscriptionOf(params));
      expect(idsOf(one.messages, 'notifications/tools/list_changed')).toEqual([lists.id]);
      expect(idsOf(two.messages, 'notifications/resources/updated')).toEqual([resources.id]);
      await Promise.all([one.leave(), two.leave()]);
    },
  },
  {
    name: 'log messages and progress never come on a subscription',
    spec: 'server/utilities/logging, Per-request log level; basic/transports, Receiving Messages',
    run: async ({ client }) => {
      const envelope = { logLevel: 'debug', meta: { progressToken: 'of the subscription' } };
      const frame = modernRequest('subscriptions/listen', { notifications: { toolsListChanged: true } }, envelope);
      const ongoing = await client.open(frame);
      await ongoing.message(acknowledged, 'the acknowledgement');
      await modernResult(client, 'tools/call', call('log_all'));
      await modernResult(client, 'tools/call', call('count', { mark: 'x' }));
      await modernResult(client, 'tools/call', call('change_list', { list: 'tools' }));
      await ongoing.message(({ method }) => method === 'notifications/tools/list_changed', 'the change');
      const methods = ongoing.messages.map(({ method }) => method);
      expect(methods).not.toContain('notifications/message');
      expect(methods).not.toContain('notifications/progress');
      await ongoing.leave();
    },
  },
];

function subscriptionOf(params: Json | undefined): unknown {
  return (params?.['_meta'] as Json | undefined)?.['io.modelcontextprotocol/subscriptionId'];
}
