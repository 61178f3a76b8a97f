import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { type Json, type Message, notification, request } from '../../support/messages.js';
import { ask, type RawSession, resultOf } from '../../support/raw-session.js';
import type { SpecRevision as Revision } from '../../support/wire/spec-schema.js';
import { type Behaviour, kindOf, known, textOf } from './behaviour.js';

/** A session of one revision. */
export interface RevisionCell {
  readonly session: RawSession;
  readonly revision: Revision;
}

export const OF_EVERY_REVISION: readonly Behaviour<RevisionCell>[] = [
  {
    name: 'initialize gives the revision that was asked for',
    spec: 'basic/lifecycle, Version Negotiation',
    run: async ({ session, revision }) => {
      expect(session.opening.result).toEqual({
        protocolVersion: revision,
        capabilities: {
          tools: { listChanged: true },
          resources: { listChanged: true, subscribe: true },
          prompts: { listChanged: true },
          logging: {},
          ...known('2025-03-26', revision, { completions: {} }),
        },
        serverInfo: { name: 'gatehouse', version: expect.any(String) },
      });
    },
  },
  {
    name: 'a tool is listed in the words of the revision',
    spec: 'schema, Tool',
    run: async ({ session, revision }) => {
      expect(await listed(session, 'tools/list', 'tools', 'sum')).toEqual({
        name: 'sum',
        description: 'Adds numbers',
        inputSchema: expect.objectContaining({ type: 'object', required: ['numbers'] }),
        ...known('2025-03-26', revision, {
          annotations: { title: 'Sum', readOnlyHint: true, idempotentHint: true, openWorldHint: false },
        }),
        ...known('2025-06-18', revision, {
          title: 'Sum',
          outputSchema: expect.objectContaining({ type: 'object', required: ['sum'] }),
          _meta: { 'example.com/weight': 3 },
        }),
        ...known('2025-11-25', revision, { icons: [expect.objectContaining({ mimeType: 'image/png' })] }),
      });
    },
  },
  {
    name: 'resources, templates and prompts are listed in the words of the revision',
    spec: 'schema, Resource, ResourceTemplate, Prompt',
    run: async ({ session, revision }) => {
      const newer = (title: string): Json => ({
        ...known('2025-06-18', revision, { title }),
        ...known('2025-11-25', revision, { icons: [expect.objectContaining({ mimeType: 'image/png' })] }),
      });
      expect(await listed(session, 'resources/list', 'resources', 'plain')).toEqual({
        uri: 'contract://plain',
        name: 'plain',
        description: 'A fixed text',
        mimeType: 'text/plain',
        size: 5,
        annotations: { audience: ['user'], priority: 0.5 },
        ...newer('Plain text'),
      });
      expect(await listed(session, 'resources/templates/list', 'resourceTemplates', 'fruit')).toEqual({
        uriTemplate: 'contract://fruit/{colour}/{name}',
        name: 'fruit',
        mimeType: 'application/json',
        ...newer('Fruit'),
      });
      expect(await listed(session, 'prompts/list', 'prompts', 'letter')).toEqual({
        name: 'letter',
        description: 'Writes a letter',
        arguments: [
          {
            name: 'to',
            description: 'Who gets it',
            required: true,
            ...known('2025-06-18', revision, { title: 'Addressee' }),
          },
          { name: 'tone', description: 'How it sounds' },
        ],
        ...newer('Letter'),
      });
    },
  },
  {
    name: 'structured content comes where the revision knows it, and as text everywhere',
    spec: 'schema, CallToolResult',
    run: async ({ session, revision }) => {
      expect(await resultOf(session, 'tools/call', { name: 'sum', arguments: { numbers: [1, 2] } })).toEqual({
        content: [{ type: 'text', text: '{"sum":3}' }],
        ...known('2025-06-18', revision, { structuredContent: { sum: 3 } }),
      });
    },
  },
  {
    name: 'a block that the revision does not know is told as text: of a tool',
    spec: 'schema, ContentBlock',
    run: async ({ session, revision }) => {
      const { content } = await resultOf(session, 'tools/call', { name: 'rich' });
      expect(content).toEqual([{ type: 'text', text: 'three kinds' }, linkIn(revision), audioIn(revision)]);
    },
  },
  {
    name: 'a block that the revision does not know is told as text: of a prompt',
    spec: 'schema, PromptMessage',
    run: async ({ session, revision }) => {
      const { messages } = await resultOf(session, 'prompts/get', { name: 'mixed' });
      expect((messages as readonly { readonly content: unknown }[]).map(({ content }) => content)).toEqual([
        audioIn(revision),
        linkIn(revision),
      ]);
    },
  },
  {
    name: 'arguments that do not fit are a result since 2025-11-25, an error before',
    spec: 'server/tools, Error Handling (SEP-1303)',
    run: async ({ session, revision }) => {
      const { answer } = await ask(session, 'tools/call', { name: 'sum', arguments: { numbers: 'none' } });
      const fault = 'Invalid arguments for tool sum: numbers must be array';
      if (revision >= '2025-11-25') {
        expect([textOf(answer.result ?? {}), kindOf(answer.result ?? {})]).toEqual([fault, 'invalid_params']);
      } else {
        expect(answer.error).toMatchObject({ code: -32602, message: fault, data: { kind: 'invalid_params' } });
      }
    },
  },
  {
    name: 'a tool that does not exist is an error',
    spec: 'server/tools, Error Handling',
    run: async ({ session }) => {
      const { answer } = await ask(session, 'tools/call', { name: 'nothing', arguments: {} });
      expect(answer.error).toMatchObject({ code: -32602, message: 'Unknown tool: nothing' });
    },
  },
  {
    name: 'S1-17 a bare string is the message of echo, and refused by other tools',
    spec: 'S1-17',
    run: async ({ session }) => {
      const echoed = await resultOf(session, 'tools/call', { name: 'echo', arguments: 'hi' });
      expect(textOf(echoed)).toBe('Echo: hi');
      const refused = await resultOf(session, 'tools/call', { name: 'sum', arguments: 'hi' });
      expect(refused['isError']).toBe(true);
      expect(textOf(refused)).toBe("Tool 'sum' expects object arguments, got string: hi");
    },
  },
  {
    name: 'progress carries the token as it was given, and a message where the revision knows one',
    spec: 'basic/utilities/progress',
    run: async ({ session, revision }) => {
      for (const progressToken of [0, 7, '', 'token "7"']) {
        const params = { name: 'count', arguments: { mark: 'm' }, _meta: { progressToken } };
        const { before, answer } = await ask(session, 'tools/call', params);
        expect(textOf(answer.result ?? {})).toBe('counted m');
        expect(before.map(({ params }) => params)).toEqual(
          [1, 3, 4].map((progress) => ({
            progressToken,
            progress,
            total: 4,
            ...known('2025-03-26', revision, { message: `m ${progress}` }),
          })),
        );
      }
    },
  },
  {
    name: 'log messages come before the answer of the call that they belong to',
    spec: 'server/utilities/logging',
    run: async ({ session }) => {
      expect(await resultOf(session, 'logging/setLevel', { level: 'critical' })).toEqual({});
      const { before } = await ask(session, 'tools/call', { name: 'log_all' });
      expect(before).toEqual(
        ['critical', 'alert', 'emergency'].map((level) =>
          notification('notifications/message', { level, logger: 'contract', data: { level } }),
        ),
      );
      const { answer } = await ask(session, 'logging/setLevel', { level: 'loud' });
      expect(answer.error).toMatchObject({ code: -32602 });
      await resultOf(session, 'logging/setLevel', { level: 'info' });
    },
  },
  {
    name: 'S3-7 cancelling reaches the tool, and no answer follows',
    spec: 'basic/utilities/cancellation',
    run: async ({ session }) => {
      const mark = randomUUID();
      const id = `cancelled ${mark}`;
      const call = request(id, 'tools/call', { name: 'wait_for_abort', arguments: { mark } }) as Json & { id: unknown };
      const came = await session.sendCancelled(call, async () => {
        await resultOf(session, 'tools/call', { name: 'start_of', arguments: { mark } });
        const params = { requestId: id, reason: 'no longer of use' };
        await session.tell(notification('notifications/cancelled', params));
        const seen = await resultOf(session, 'tools/call', { name: 'abort_of', arguments: { mark } });
        expect(textOf(seen)).toBe('Cancelled: no longer of use');
      });
      expect(came.filter((frame) => 'result' in frame || 'error' in frame)).toEqual([]);
    },
  },
  {
    name: 'cancelling what does not run is passed over',
    spec: 'basic/utilities/cancellation, Error Handling',
    run: async ({ session }) => {
      for (const params of [{ requestId: 'nothing' }, { requestId: null }, { requestId: { a: 1 } }, {}, undefined]) {
        await session.tell(notification('notifications/cancelled', params));
      }
      expect(await resultOf(session, 'ping')).toEqual({});
    },
  },
  {
    name: 'S2-5 an id comes back as it was, of either kind',
    spec: 'basic, Requests; W-8',
    run: async ({ session }) => {
      for (const id of [0, -1, '0', '', 'a "b" \n c', Number.MAX_SAFE_INTEGER]) {
        expect(await session.send(request(id, 'ping'))).toEqual([{ jsonrpc: '2.0', id, result: {} }]);
      }
    },
  },
  {
    name: 'an id that is still in use is refused, and the request that has it goes on',
    spec: 'basic, Requests: the ID MUST NOT have been used before',
    isOfProcess: true,
    run: async ({ session }) => {
      const mark = randomUUID();
      const frame = request(mark, 'tools/call', {
        name: 'wait_here',
        arguments: { mark },
        _meta: { progressToken: mark },
      });
      const ongoing = await session.open(frame as Json & { readonly id: unknown });
      await ongoing.message(({ method }) => method === 'notifications/progress', 'the first progress');
      const again = request(mark, 'tools/call', { name: 'echo', arguments: { message: 'x' } });
      const [refusal] = (await session.send(again)) as [Message];
      expect(refusal).toMatchObject({
        id: mark,
        error: {
          code: -32600,
          message: `A request with id "${mark}" is still running`,
          data: { kind: 'duplicate_request_id' },
        },
      });
      await resultOf(session, 'tools/call', { name: 'let_go', arguments: { mark } });
      const done = await ongoing.message(({ id, result }) => id === mark && result !== undefined, 'the answer');
      expect(textOf(done.result ?? {})).toBe(`waited for ${mark}`);
    },
  },
  {
    name: 'an id that is none is refused',
    spec: 'basic, Requests',
    run: async ({ session }) => {
      for (const id of [null, 1.5, true, {}, []]) {
        const [refusal] = (await session.send(request(id, 'ping'))) as [Message];
        expect(refusal).toMatchObject({ id: null, error: { code: -32600 } });
      }
    },
  },
  {
    name: 'S1-13 an unknown method is refused by name',
    spec: 'JSON-RPC 2.0, section 5.1',
    run: async ({ session }) => {
      const { answer } = await ask(session, 'tools/destroy');
      expect(answer.error).toMatchObject({ code: -32601, message: 'Method not found: tools/destroy' });
    },
  },
  {
    name: 'notifications and answers that nobody is owed are passed over',
    spec: 'JSON-RPC 2.0, section 4.1; DESIGN D-6',
    run: async ({ session }) => {
      await session.tell(notification('notifications/initialized'));
      await session.tell(notification('notifications/no_such_thing', { any: 1 }));
      await session.tell(notification('tools/call', { name: 'echo', arguments: { message: 'x' } }));
      await session.tell({ jsonrpc: '2.0', id: 4711, result: {} });
      await session.tell({ jsonrpc: '2.0', id: 'x', error: { code: 1, message: 'no' } });
      expect(await resultOf(session, 'ping')).toEqual({});
    },
  },
  {
    name: 'S2-23, S2-24 what is no message is refused, and the session goes on',
    spec: 'S1-13, S2-23, S2-24',
    run: async ({ session }) => {
      const cases: readonly (readonly [unknown, number, string])[] = [
        ['{"jsonrpc":', -32700, 'Parse error'],
        ['"text"', -32600, 'Invalid request: expected object, got string'],
        ['null', -32600, 'Invalid request: expected object, got null'],
        [{ id: 1, method: 'ping' }, -32600, 'Invalid request: Invalid JSON-RPC version'],
        [{ jsonrpc: '2.0', id: 1 }, -32600, 'Invalid request: Invalid JSON-RPC structure'],
        [
          '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":[{"__proto__":1}]}}',
          -32600,
          'Invalid request: forbidden key "__proto__"',
        ],
      ];
      for (const [frame, code, message] of cases) {
        const [refusal] = (await session.send(frame)) as [Message];
        expect(refusal.error).toMatchObject({ code, message });
      }
      expect(await resultOf(session, 'ping')).toEqual({});
    },
  },
  {
    name: 'a batch is served in 2025-03-26, and refused everywhere else',
    spec: 'basic, Batching; DESIGN D-1',
    run: async ({ session, revision }) => {
      const batch = [
        request('one', 'ping'),
        notification('notifications/initialized'),
        request('two', 'tools/call', { name: 'echo', arguments: { message: 'in a batch' } }),
        request('three', 'no/such/method'),
        7,
      ];
      const frames = await session.send(batch);
      if (revision !== '2025-03-26') {
        expect(frames).toEqual([
          expect.objectContaining({ id: null, error: expect.objectContaining({ code: -32600 }) }),
        ]);
        return;
      }
      const [answers] = frames as [readonly Message[]];
      expect(new Map(answers.map(({ id, result, error }) => [id, result ?? error?.code]))).toEqual(
        new Map<unknown, unknown>([
          ['one', {}],
          ['two', { content: [{ type: 'text', text: 'Echo: in a batch' }] }],
          ['three', -32601],
          [null, -32600],
        ]),
      );
    },
  },
  {
    name: 'a batch of which nothing is owed is not answered, and an empty one is refused',
    spec: 'basic, Batching; JSON-RPC 2.0, section 6',
    run: async ({ session, revision }) => {
      if (revision === '2025-03-26') {
        await session.tell([notification('notifications/initialized'), { jsonrpc: '2.0', id: 1, result: {} }]);
      }
      const [refusal] = (await session.send([])) as [Message];
      expect(refusal.error).toMatchObject({ code: -32600 });
    },
  },
];

function linkIn(revision: Revision): Json {
  if (revision < '2025-06-18') return { type: 'text', text: 'plain: contract://plain' };
  return { type: 'resource_link', uri: 'contract://plain', name: 'plain', mimeType: 'text/plain' };
}

function audioIn(revision: Revision): Json {
  if (revision < '2025-03-26') return { type: 'text', text: '[audio, audio/wav]' };
  return { type: 'audio', data: expect.any(String), mimeType: 'audio/wav' };
}

/** Looks through the pages of a list. */
async function listed(session: RawSession, method: string, key: string, name: string): Promise<unknown> {
  let cursor: unknown;
  do {
    const page = await resultOf(session, method, cursor === undefined ? {} : { cursor });
    const found = (page[key] as readonly { readonly name: string }[]).find((entry) => entry.name === name);
    if (found) return found;
    cursor = page['nextCursor'];
  } while (cursor !== undefined);
  return undefined;
}
