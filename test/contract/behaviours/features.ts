import { expect } from '@jest/globals';
import { type ClientBehaviour, type ClientSubject, INSIDE, known, plain, refusalOf } from './behaviour.js';

const ICON = { src: 'data:image/png;base64,iVBORw0KGgo=', mimeType: 'image/png', sizes: ['1x1'] };

export const RESOURCES: readonly ClientBehaviour[] = [
  {
    name: 'S1-10 resources are listed with all that their authors said of them',
    spec: 'server/resources, Listing Resources',
    run: async ({ client, revision }) => {
      const resources = await client.resources();
      expect(resources.map(({ uri }) => uri)).toEqual(expect.arrayContaining(['server://info', 'server://stats']));
      expect(resources.find(({ uri }) => uri === 'contract://plain')).toEqual({
        uri: 'contract://plain',
        name: 'plain',
        description: 'A fixed text',
        mimeType: 'text/plain',
        size: 5,
        annotations: { audience: ['user'], priority: 0.5 },
        ...known('2025-06-18', revision, { title: 'Plain text' }),
        ...known('2025-11-25', revision, { icons: [ICON] }),
      });
    },
  },
  {
    name: 'resource templates are listed',
    spec: 'server/resources, Resource Templates',
    run: async ({ client, revision }) => {
      expect(await client.resourceTemplates()).toEqual([
        {
          uriTemplate: 'contract://fruit/{colour}/{name}',
          name: 'fruit',
          mimeType: 'application/json',
          ...known('2025-06-18', revision, { title: 'Fruit' }),
          ...known('2025-11-25', revision, { icons: [ICON] }),
        },
      ]);
    },
  },
  ...[
    { uri: 'contract://plain', contents: { mimeType: 'text/plain', text: 'plain' } },
    { uri: 'contract://bytes', contents: { mimeType: 'application/octet-stream', blob: 'AH//' } },
    {
      uri: 'contract://object',
      contents: { mimeType: 'application/json', text: '{"uri":"contract://object","answer":42}' },
    },
    {
      uri: 'contract://fruit/red/apple',
      contents: { mimeType: 'application/json', text: '{"colour":"red","name":"apple"}' },
    },
  ].map(({ uri, contents }) => ({
    name: `a resource is read: ${uri}`,
    spec: 'server/resources, Reading Resources',
    run: async ({ client }: ClientSubject) => {
      expect(plain(await client.readResource(uri))).toEqual({ contents: [{ uri, ...contents }] });
    },
  })),
  {
    name: 'S1-11 the server tells about itself',
    spec: 'S1-11',
    run: async ({ client }) => {
      const [info] = (await client.readResource('server://info')).contents;
      const names = (await client.tools()).map(({ name }) => name);
      expect(JSON.parse((info as { text: string }).text)).toEqual({
        server: 'gatehouse',
        version: client.server.info?.version,
        tools_count: names.length,
        resources_count: (await client.resources()).length,
        enabled_tools: names,
      });
      const [stats] = (await client.readResource('server://stats')).contents;
      expect(JSON.parse((stats as { text: string }).text)).toMatchObject({
        timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
        uptime: expect.any(Number),
        memory_usage: { rss: expect.any(Number) },
      });
    },
  },
  ...['contract://nothing', 'contract://fruit/red', 'server://INFO', 'file:///etc/passwd', ''].map((uri) => ({
    name: `S1-12 a resource that does not exist is not found: ${JSON.stringify(uri)}`,
    spec: 'server/resources, Error Handling',
    run: async ({ client, revision }: ClientSubject) => {
      expect(await refusalOf(client, client.readResource(uri))).toEqual({
        code: revision < '2026-07-28' ? -32002 : -32602,
        message: `Resource not found: ${uri}`,
        data: { kind: 'resource_not_found', uri, requestId: expect.stringMatching(/^req-/) },
      });
    },
  })),
  {
    name: 'a resource that throws keeps its text inside',
    spec: 'server/resources, Error Handling; STYLE 2.6',
    run: async ({ client }) => {
      const refusal = await refusalOf(client, client.readResource('contract://broken'));
      expect(refusal).toMatchObject({ code: -32603, message: 'Internal error', data: { kind: 'internal' } });
      expect(JSON.stringify(refusal)).not.toMatch(INSIDE);
    },
  },
];

export const PROMPTS: readonly ClientBehaviour[] = [
  {
    name: 'prompts are listed with their arguments',
    spec: 'server/prompts, Listing Prompts',
    run: async ({ client, revision }) => {
      expect((await client.prompts()).map(({ name }) => name)).toContain('letter');
      // As it came: neither client knows titles of arguments.
      const listed = client.wire.flatMap(({ result }) => (result?.['prompts'] ?? []) as { readonly name: string }[]);
      expect(listed.findLast(({ name }) => name === 'letter')).toEqual({
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
        ...known('2025-06-18', revision, { title: 'Letter' }),
        ...known('2025-11-25', revision, { icons: [ICON] }),
      });
    },
  },
  {
    name: 'a prompt is filled in',
    spec: 'server/prompts, Getting a Prompt',
    run: async ({ client, revision }) => {
      expect(plain(await client.getPrompt('letter', { to: 'Ada', tone: 'stern' }))).toEqual({
        description: 'Writes a letter',
        messages: [{ role: 'user', content: { type: 'text', text: 'Write a stern letter to Ada.' } }],
      });
      expect(plain(await client.getPrompt('talk'))).toEqual({
        description: 'A talk',
        messages: [
          { role: 'user', content: { type: 'text', text: 'Hello?' } },
          { role: 'assistant', content: { type: 'text', text: 'Hello!' } },
        ],
      });
      const { messages } = await client.getPrompt('mixed');
      expect(messages.map(({ content }) => content.type)).toEqual([
        revision < '2025-03-26' ? 'text' : 'audio',
        revision < '2025-06-18' ? 'text' : 'resource_link',
      ]);
    },
  },
  {
    name: 'a missing argument is refused by name',
    spec: 'server/prompts, Error Handling',
    run: async ({ client }) => {
      expect(await refusalOf(client, client.getPrompt('letter', { tone: 'kind' }))).toMatchObject({
        code: -32602,
        message: 'Prompt letter needs the arguments: to',
        data: { kind: 'invalid_params' },
      });
    },
  },
  {
    name: 'a prompt that does not exist is refused',
    spec: 'server/prompts, Error Handling',
    run: async ({ client }) => {
      expect(await refusalOf(client, client.getPrompt('no_such_prompt'))).toMatchObject({
        code: -32602,
        message: 'Unknown prompt: no_such_prompt',
        data: { kind: 'unknown_prompt' },
      });
    },
  },
  {
    name: 'a prompt that throws keeps its text inside',
    spec: 'server/prompts, Error Handling; STYLE 2.6',
    run: async ({ client }) => {
      const refusal = await refusalOf(client, client.getPrompt('broken'));
      expect(refusal).toMatchObject({ code: -32603, message: 'Internal error', data: { kind: 'internal' } });
      expect(JSON.stringify(refusal)).not.toMatch(INSIDE);
    },
  },
];

export const COMPLETIONS: readonly ClientBehaviour[] = [
  {
    name: 'an argument of a prompt is completed',
    spec: 'server/utilities/completion',
    run: async ({ client }) => {
      const ref = { type: 'ref/prompt', name: 'letter' } as const;
      expect(await client.complete({ ref, argument: { name: 'tone', value: 'k' } })).toEqual({
        values: ['kind', 'keen'],
        total: 2,
        hasMore: false,
      });
    },
  },
  {
    name: 'a variable of a template is completed in the light of those before it',
    spec: 'server/utilities/completion',
    run: async ({ client }) => {
      const ref = { type: 'ref/resource', uri: 'contract://fruit/{colour}/{name}' } as const;
      const argument = { name: 'name', value: '' };
      const all = await client.complete({ ref, argument });
      const yellow = await client.complete({ ref, argument, context: { arguments: { colour: 'yellow' } } });
      expect(all.values).toEqual(['apple', 'cherry', 'banana', 'lemon']);
      expect(yellow.values).toEqual(['banana', 'lemon']);
    },
  },
  {
    name: 'an answer holds a hundred values at most, and says how many there are',
    spec: 'server/utilities/completion, Completion Results',
    run: async ({ client }) => {
      const ref = { type: 'ref/prompt', name: 'letter' } as const;
      const { values, total, hasMore } = await client.complete({ ref, argument: { name: 'to', value: '' } });
      expect([values.length, total, hasMore]).toEqual([100, 120, true]);
    },
  },
  {
    name: 'what nobody wrote a completion for has no values',
    spec: 'server/utilities/completion',
    run: async ({ client }) => {
      const ref = { type: 'ref/prompt', name: 'talk' } as const;
      expect(await client.complete({ ref, argument: { name: 'any', value: '' } })).toMatchObject({ values: [] });
    },
  },
  {
    name: 'a completion for what does not exist is refused',
    spec: 'server/utilities/completion, Error Handling',
    run: async ({ client, revision }) => {
      const argument = { name: 'any', value: '' };
      const prompt = client.complete({ ref: { type: 'ref/prompt', name: 'nothing' }, argument });
      expect(await refusalOf(client, prompt)).toMatchObject({ code: -32602, data: { kind: 'unknown_prompt' } });
      const template = client.complete({ ref: { type: 'ref/resource', uri: 'contract://nothing/{name}' }, argument });
      expect(await refusalOf(client, template)).toMatchObject({
        code: revision < '2026-07-28' ? -32002 : -32602,
        data: { kind: 'resource_not_found' },
      });
    },
  },
];
