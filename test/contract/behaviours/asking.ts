import { expect } from '@jest/globals';
import type { Json } from '../../support/messages.js';
import type { ClientAnswer, TestClient } from '../../support/test-client.js';
import { type ClientBehaviour, kindOf, known, legacy, modern, refusalOf, since, textOf } from './behaviour.js';

/** Keeps what a client was asked, and answers it. */
function asked(client: TestClient, method: Parameters<TestClient['answer']>[0], how: ClientAnswer): Json[] {
  const all: Json[] = [];
  client.answer(method, (params) => {
    all.push(params);
    return how(params);
  });
  return all;
}

const FRANCE = { role: 'assistant', model: 'test-1', stopReason: 'endTurn', content: { type: 'text', text: 'Paris' } };

/** Without what clients and revisions add to every set of params. */
const bare = ({ _meta: _any, ...params }: Json): Json => params;

export const ASKING: readonly ClientBehaviour[] = [
  {
    name: 'a form is asked for with fields of every kind and their defaults, and what was filled in comes back',
    spec: 'client/elicitation, Form Mode; SEP-1034',
    where: since('2025-06-18'),
    run: async ({ client, revision }) => {
      const content = { name: 'Bo', mail: 'bo@example.com', age: 5, height: 1.1, member: false, colour: 'red' };
      const forms = asked(client, 'elicitation/create', () => ({ action: 'accept', content }));
      expect(JSON.parse(textOf(await client.callTool('ask_form')) ?? '')).toEqual({ action: 'accept', content });
      expect(forms.map(bare)).toEqual([
        {
          ...(revision === '2025-11-25' && { mode: 'form' }),
          message: 'Who are you?',
          requestedSchema: expect.objectContaining({ required: ['name'] }),
        },
      ]);
      const { properties } = forms[0]?.['requestedSchema'] as { properties: Record<string, { default?: unknown }> };
      expect(Object.values(properties).map((field) => field.default)).toEqual([
        'Ada',
        'ada@example.com',
        36,
        1.7,
        true,
        'green',
      ]);
    },
  },
  {
    name: 'choices of every kind are asked for, where the revision knows them',
    spec: 'client/elicitation, Requested Schema; SEP-1330',
    where: since('2025-11-25'),
    run: async ({ client }) => {
      const content = { size: 's', old: 'b', toppings: ['ham', 'leek'], sides: ['x'] };
      const forms = asked(client, 'elicitation/create', () => ({ action: 'accept', content }));
      expect(JSON.parse(textOf(await client.callTool('ask_choices')) ?? '')).toEqual({ action: 'accept', content });
      expect(forms).toHaveLength(1);
    },
  },
  ...(['decline', 'cancel'] as const).map((action) => ({
    name: `what the user does reaches the tool: ${action}`,
    spec: 'client/elicitation, Response Actions',
    where: since('2025-06-18'),
    run: async ({ client }: { client: TestClient }) => {
      asked(client, 'elicitation/create', () => ({ action }));
      expect(JSON.parse(textOf(await client.callTool('ask_form')) ?? '')).toEqual({ action });
    },
  })),
  {
    name: 'a user is sent to a page',
    spec: 'client/elicitation, URL Mode; SEP-1036',
    where: since('2025-11-25'),
    run: async ({ client, revision }) => {
      const pages = asked(client, 'elicitation/create', () => ({ action: 'accept' }));
      expect(textOf(await client.callTool('ask_page'))).toBe('accept');
      expect(pages.map(bare)).toEqual([
        {
          mode: 'url',
          message: 'Sign in.',
          url: 'https://example.com/sign-in?a=1',
          ...(revision === '2025-11-25' && { elicitationId: expect.any(String) }),
        },
      ]);
    },
  },
  {
    name: 'the model of the client is asked',
    spec: 'client/sampling, Creating Messages',
    run: async ({ client }) => {
      const questions = asked(client, 'sampling/createMessage', () => FRANCE);
      const answer = JSON.parse(textOf(await client.callTool('ask_model')) ?? '') as Json;
      expect(answer).toMatchObject(FRANCE);
      expect(questions.map(bare)).toEqual([
        {
          messages: [{ role: 'user', content: { type: 'text', text: 'What is the capital of France?' } }],
          systemPrompt: 'Be short.',
          modelPreferences: { hints: [{ name: 'small' }], costPriority: 1 },
          stopSequences: ['\n'],
          temperature: 0,
          maxTokens: 50,
        },
      ]);
    },
  },
  {
    name: 'the model of the client uses a tool that it is offered, and is given its result',
    spec: 'client/sampling, Sampling with Tools; SEP-1577',
    where: since('2025-11-25'),
    run: async ({ client }) => {
      const use = { type: 'tool_use', id: 'u1', name: 'weather', input: { city: 'Oslo' } };
      const questions = asked(client, 'sampling/createMessage', ({ messages }) =>
        (messages as unknown[]).length === 1
          ? { role: 'assistant', model: 'test-1', stopReason: 'toolUse', content: [use] }
          : { ...FRANCE, content: { type: 'text', text: 'It rains.' } },
      );
      const [name, content] = JSON.parse(textOf(await client.callTool('ask_model_with_tools')) ?? '') as unknown[];
      expect([name, content]).toEqual(['weather', { type: 'text', text: 'It rains.' }]);
      expect(questions).toHaveLength(2);
      expect(questions[0]).toMatchObject({ tools: [{ name: 'weather' }], toolChoice: { mode: 'auto' } });
      expect(questions[1]?.['messages']).toEqual([
        expect.objectContaining({ role: 'user' }),
        { role: 'assistant', content: [use] },
        { role: 'user', content: [expect.objectContaining({ type: 'tool_result', toolUseId: 'u1' })] },
      ]);
    },
  },
  {
    name: 'the folders of the client are asked for',
    spec: 'client/roots, Listing Roots',
    run: async ({ client }) => {
      const roots = [{ uri: 'file:///home/ada', name: 'Home' }, { uri: 'file:///tmp' }];
      asked(client, 'roots/list', () => ({ roots }));
      expect(JSON.parse(textOf(await client.callTool('ask_roots')) ?? '')).toEqual(roots);
    },
  },
  {
    name: 'D-5 three things are asked at once',
    spec: 'basic/patterns/mrtr, InputRequests',
    where: since('2025-06-18'),
    run: async ({ client }) => {
      asked(client, 'elicitation/create', () => ({ action: 'accept', content: { yes: true } }));
      asked(client, 'sampling/createMessage', () => FRANCE);
      asked(client, 'roots/list', () => ({ roots: [{ uri: 'file:///tmp' }] }));
      expect(JSON.parse(textOf(await client.callTool('ask_at_once')) ?? '')).toEqual(['accept', 'test-1', 1]);
    },
  },
  {
    name: 'D-5 what is asked in rounds is asked once each, and an effect between them happens once',
    spec: 'basic/patterns/mrtr, Basic Workflow; DESIGN D-5',
    where: since('2025-06-18'),
    // The tool counts effects where it runs.
    isOfProcess: true,
    run: async ({ client }) => {
      const questions = asked(client, 'elicitation/create', ({ message }) => ({
        action: 'accept',
        content: { yes: message === 'First?' },
      }));
      expect(JSON.parse(textOf(await client.callTool('ask_in_rounds')) ?? '')).toEqual({
        first: { yes: true },
        second: { yes: false },
        hasMore: false,
        hasRun: true,
      });
      expect(questions.map(({ message }) => message)).toEqual(['First?', 'Second?']);
    },
  },
  {
    name: 'D-5 prompts and resources ask as tools do',
    spec: 'basic/patterns/mrtr, Supported Requests; DESIGN D-5',
    where: since('2025-06-18'),
    run: async ({ client }) => {
      asked(client, 'elicitation/create', ({ message }) => ({
        action: 'accept',
        content: String(message).startsWith('How') ? { mood: 'fine' } : { yes: true },
      }));
      const { messages } = await client.getPrompt('asking');
      expect(messages).toEqual([{ role: 'user', content: { type: 'text', text: 'I feel fine.' } }]);
      const [read] = (await client.readResource('contract://asked')).contents;
      expect(JSON.parse((read as { text: string }).text)).toEqual({ action: 'accept', content: { yes: true } });
    },
  },
  {
    name: 'an answer that does not fit its form is no answer: the tool fails, saying why',
    spec: 'client/elicitation, Requested Schema',
    where: (cell) => legacy(cell) && since('2025-06-18')(cell),
    run: async ({ client }) => {
      asked(client, 'elicitation/create', () => ({ action: 'accept', content: { name: 7 } }));
      const result = await client.callTool('ask_form');
      expect(result.isError).toBe(true);
      expect(textOf(result)).toMatch(/name does not fit its schema/);
    },
  },
  {
    name: 'a root that is no file is no answer: the tool fails, saying why',
    spec: 'client/roots, Data Types: this MUST be a file:// URI',
    where: legacy,
    run: async ({ client }) => {
      asked(client, 'roots/list', () => ({ roots: [{ uri: 'file:///tmp' }, { uri: 'file:' }] }));
      const result = await client.callTool('ask_roots');
      expect(result.isError).toBe(true);
      expect(textOf(result)).toMatch(/each root must have a uri that begins with file:/);
    },
  },
  {
    name: 'a client that answers with an error is told of by a failure, and the session goes on',
    spec: 'client/sampling, Error Handling',
    where: legacy,
    run: async ({ client }) => {
      client.answer('roots/list', () => Promise.reject(new Error('The user said no')));
      const result = await client.callTool('ask_roots');
      expect(result.isError).toBe(true);
      expect(textOf(result)).toMatch(/The client could not answer: .*The user said no/);
      expect(textOf(await client.callTool('echo', { message: 'on' }))).toBe('Echo: on');
    },
  },
  {
    name: 'a question that nobody answers in time is taken back, and the call ends',
    spec: 'basic/lifecycle, Timeouts; basic/utilities/cancellation',
    where: (cell) => legacy(cell) && since('2025-06-18')(cell),
    run: async ({ client }) => {
      const from = client.wire.length;
      client.answer('elicitation/create', () => new Promise(() => undefined));
      const result = await client.callTool('ask_in_vain');
      expect([result.isError, kindOf(result)]).toEqual([true, 'timeout']);
      const came = client.wire.slice(from);
      const question = came.find(({ method }) => method === 'elicitation/create');
      const taken = came.find(({ method }) => method === 'notifications/cancelled');
      expect(taken?.params).toMatchObject({ requestId: question?.id });
    },
  },
  {
    name: 'a client that declares nothing is asked nothing, and told what it lacks',
    spec: 'basic/lifecycle, Capability Negotiation; basic, Per-request protocol fields',
    run: async ({ another, revision }) => {
      const client = await another({ capabilities: {} });
      expect(JSON.parse(textOf(await client.callTool('supports')) ?? '')).toEqual([]);
      for (const [tool, needs] of [
        ['ask_form', { elicitation: { form: {} } }],
        ['ask_model', { sampling: {} }],
        ['ask_model_with_tools', { sampling: { tools: {} } }],
        ['ask_roots', { roots: {} }],
      ] as const) {
        expect(await refusalOf(client, client.callTool(tool))).toMatchObject({
          code: revision < '2026-07-28' ? -32600 : -32021,
          data: { kind: 'missing_capability', requiredCapabilities: needs },
        });
      }
    },
  },
  {
    name: 'a choice with titles is told in the words of 2025-06-18, and one of several refused',
    spec: 'client/elicitation, Requested Schema',
    where: ({ revision }) => revision === '2025-06-18',
    run: async ({ client }) => {
      const forms = asked(client, 'elicitation/create', () => ({ action: 'accept', content: { size: 's' } }));
      await client.callTool('ask_choice');
      expect(forms[0]?.['requestedSchema']).toMatchObject({
        properties: { size: { type: 'string', enum: ['s', 'l'], enumNames: ['Small', 'Large'] } },
      });
      expect(await refusalOf(client, client.callTool('ask_choices'))).toMatchObject({
        data: { kind: 'missing_capability' },
        message: expect.stringContaining('toppings'),
      });
    },
  },
  {
    name: 'what a client declares is what tools know of it',
    spec: 'basic/lifecycle, Capability Negotiation',
    run: async ({ client, another, revision }) => {
      const all = ['elicitation', 'elicitation.url', 'sampling', 'sampling.tools', 'roots'];
      // What the revision does not know is not there, whatever is declared.
      const unknown = [
        ...(revision < '2025-06-18' ? ['elicitation'] : []),
        ...(revision < '2025-11-25' ? ['elicitation.url', 'sampling.tools'] : []),
      ];
      expect(JSON.parse(textOf(await client.callTool('supports')) ?? '')).toEqual(
        all.filter((capability) => !unknown.includes(capability)),
      );
      const some = await another({
        capabilities: { sampling: {}, ...known('2025-06-18', revision, { elicitation: {} }) },
      });
      const left = revision < '2025-06-18' ? ['sampling'] : ['elicitation', 'sampling'];
      expect(JSON.parse(textOf(await some.callTool('supports')) ?? '')).toEqual(left);
    },
  },
  {
    name: 'nothing is asked by a request of its own: the result asks',
    spec: 'basic/patterns/mrtr; basic/transports, Messages',
    where: modern,
    run: async ({ client }) => {
      const from = client.wire.length;
      asked(client, 'roots/list', () => ({ roots: [] }));
      await client.callTool('ask_roots');
      const came = client.wire.slice(from);
      expect(came.filter(({ method }) => method !== undefined)).toEqual([]);
      expect(came.map(({ result }) => result?.['resultType'])).toEqual(['input_required', 'complete']);
    },
  },
];
