import { expect } from '@jest/globals';
import {
  type ClientBehaviour,
  type ClientSubject,
  INSIDE,
  kindOf,
  known,
  plain,
  refusalOf,
  since,
  textOf,
} from './behaviour.js';

export const TOOLS: readonly ClientBehaviour[] = [
  {
    name: 'tools are listed with all that their authors said of them',
    spec: 'server/tools, Listing Tools',
    run: async ({ client, revision }) => {
      const tools = await client.tools();
      expect(tools.find(({ name }) => name === 'sum')).toEqual({
        name: 'sum',
        description: 'Adds numbers',
        inputSchema: {
          type: 'object',
          properties: { numbers: { type: 'array', items: { type: 'number' }, maxItems: 100 } },
          required: ['numbers'],
          additionalProperties: false,
        },
        ...known('2025-03-26', revision, {
          annotations: { title: 'Sum', readOnlyHint: true, idempotentHint: true, openWorldHint: false },
        }),
        ...known('2025-06-18', revision, {
          title: 'Sum',
          _meta: { 'example.com/weight': 3 },
          outputSchema: { type: 'object', properties: { sum: { type: 'number' } }, required: ['sum'] },
        }),
        ...known('2025-11-25', revision, {
          icons: [{ src: 'data:image/png;base64,iVBORw0KGgo=', mimeType: 'image/png', sizes: ['1x1'] }],
        }),
      });
      expect(tools.find(({ name }) => name === 'bare')).toEqual({
        name: 'bare',
        description: 'Takes no arguments and returns nothing',
        ...known('2025-03-26', revision, { annotations: { destructiveHint: false } }),
        inputSchema: { type: 'object', properties: {}, additionalProperties: false },
      });
      expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['echo', 'get_time', 'math_calc']));
    },
  },
  {
    name: 'S1-8 a tool that is switched off is not listed',
    spec: 'server/tools, Listing Tools',
    run: async ({ client }) => {
      const names = (await client.tools()).map(({ name }) => name);
      expect(names).not.toContain('list_files');
      expect(names).not.toContain('run_command');
    },
  },
  {
    name: 'DTO and zod inputs are listed as JSON Schema',
    spec: 'server/tools, Data Types',
    run: async ({ client }) => {
      const tools = await client.tools();
      const inputOf = (wanted: string) => tools.find(({ name }) => name === wanted)?.inputSchema;
      expect(inputOf('greet')).toMatchObject({
        type: 'object',
        required: ['people'],
        additionalProperties: false,
        properties: { people: { type: 'array' }, times: { type: 'integer', minimum: 1, maximum: 3 } },
      });
      expect(inputOf('area')).toMatchObject({
        type: 'object',
        required: ['shape'],
        properties: { shape: { enum: ['square', 'circle'] }, size: { default: 1 } },
      });
    },
  },
  {
    name: 'a call returns text',
    spec: 'server/tools, Calling Tools',
    run: async ({ client }) => {
      expect(plain(await client.callTool('echo', { message: 'hello' }))).toEqual({
        content: [{ type: 'text', text: 'Echo: hello' }],
      });
    },
  },
  {
    name: 'text comes back as it was, in every script and with every control character',
    spec: 'JSON-RPC 2.0',
    run: async ({ client }) => {
      const message = 'line\nline\r\n\u2028 \u0000 "quoted" \\ 語 🎈 </script> event: x\ndata: y\n\n';
      expect(textOf(await client.callTool('echo', { message }))).toBe(`Echo: ${message}`);
    },
  },
  {
    name: 'a result with an output schema comes as structured content and as text',
    spec: 'server/tools, Structured Content',
    run: async ({ client, revision }) => {
      expect(plain(await client.callTool('sum', { numbers: [1, 2, 3.5] }))).toEqual({
        content: [{ type: 'text', text: '{"sum":6.5}' }],
        ...known('2025-06-18', revision, { structuredContent: { sum: 6.5 } }),
      });
    },
  },
  {
    name: 'blocks of every kind come as the tool returned them',
    spec: 'server/tools, Tool Result',
    run: async ({ client, revision }) => {
      const { content, structuredContent } = await client.callTool('rich');
      expect(content.map(({ type }) => type)).toEqual([
        'text',
        revision < '2025-06-18' ? 'text' : 'resource_link',
        revision < '2025-03-26' ? 'text' : 'audio',
      ]);
      expect(structuredContent).toEqual(revision < '2025-06-18' ? undefined : { kinds: 3 });
    },
  },
  {
    name: 'a tool that returns nothing has an empty result',
    spec: 'server/tools, Tool Result',
    run: async ({ client }) => {
      expect(plain(await client.callTool('bare'))).toEqual({ content: [] });
    },
  },
  {
    name: 'a DTO reaches its tool as an instance, nested ones too',
    spec: 'DESIGN D-14',
    run: async ({ client }) => {
      const result = await client.callTool('greet', { people: [{ name: 'Ada' }, { name: 'Bo' }], times: 2 });
      expect(textOf(result)).toBe('Hello, Ada!Hello, Ada! Hello, Bo!Hello, Bo!');
    },
  },
  {
    name: 'a zod default reaches its tool',
    spec: 'server/tools, Data Types',
    run: async ({ client }) => {
      expect(textOf(await client.callTool('area', { shape: 'square' }))).toBe('{"area":1}');
    },
  },
  ...[
    { tool: 'sum', args: { numbers: ['one'] }, says: /numbers\.0 must be number/ },
    { tool: 'sum', args: {}, says: /numbers is required/ },
    { tool: 'sum', args: { numbers: [], more: 1 }, says: /more is not known/ },
    { tool: 'bare', args: { more: 1 }, says: /more is not known/ },
    { tool: 'greet', args: { people: [{ name: '' }] }, says: /people\.0\.name/ },
    { tool: 'greet', args: { people: [{ name: 'Ada', email: 'nowhere' }] }, says: /email/ },
    { tool: 'greet', args: { people: [], times: 4 }, says: /times must be <= 3/ },
    { tool: 'area', args: { shape: 'star' }, says: /shape/ },
  ].map(({ tool, args, says }) => ({
    name: `arguments that do not fit are a result that a model can mend: ${tool} ${JSON.stringify(args)}`,
    spec: 'server/tools, Error Handling (SEP-1303)',
    where: since('2025-11-25'),
    run: async ({ client }: ClientSubject) => {
      const result = await client.callTool(tool, args);
      expect(result.isError).toBe(true);
      expect(kindOf(result)).toBe('invalid_params');
      expect(textOf(result)).toMatch(says);
    },
  })),
  {
    name: 'a tool that does not exist is a protocol error',
    spec: 'server/tools, Error Handling; K-27',
    run: async ({ client }) => {
      expect(await refusalOf(client, client.callTool('no_such_tool'))).toEqual({
        code: -32602,
        message: 'Unknown tool: no_such_tool',
        data: { kind: 'unknown_tool', requestId: expect.stringMatching(/^req-[0-9a-f-]{36}$/) },
      });
    },
  },
  {
    name: 'S1-9 a tool that is switched off says so',
    spec: 'K-27',
    run: async ({ client }) => {
      const result = await client.callTool('list_files', { path: '.' });
      expect(result).toMatchObject({ isError: true });
      expect(textOf(result)).toBe("Tool 'list_files' is not enabled on this server");
      expect(kindOf(result)).toBe('tool_disabled');
    },
  },
  ...[
    { tool: 'throw_tool_error', text: 'No city called Atlantis. Ask for one of: Oslo, Lima.', kind: 'tool_failed' },
    { tool: 'throw_bad_request', text: 'The city must be on earth.', kind: 'tool_failed' },
    { tool: 'throw_forbidden', text: 'Only mayors may do this.', kind: 'permission_denied' },
    { tool: 'failed_result', text: 'The printer is out of paper.', kind: undefined },
    { tool: 'short', text: 'The deadline passed before the work was done.', kind: 'timeout' },
  ].map(({ tool, text, kind }) => ({
    name: `a failure that was written for callers reaches them: ${tool}`,
    spec: 'server/tools, Error Handling',
    run: async ({ client }: ClientSubject) => {
      const result = await client.callTool(tool);
      expect(result.isError).toBe(true);
      expect(textOf(result)).toBe(text);
      expect(kindOf(result)).toBe(kind);
      expect(JSON.stringify(result)).not.toMatch(INSIDE);
    },
  })),
  ...['throw_error', 'reject_odd', 'throw_server_fault'].map((tool) => ({
    name: `a failure that was not keeps its text and its stack inside: ${tool}`,
    spec: 'STYLE 2.6; REQUIREMENTS 6.2',
    run: async ({ client }: ClientSubject) => {
      const result = await client.callTool(tool);
      expect(result.isError).toBe(true);
      expect(textOf(result)).toMatch(
        new RegExp(`^Tool '${tool}' failed\\. The operator finds the cause in the log under req-[0-9a-f-]{36}\\.$`),
      );
      expect(kindOf(result)).toBe('internal');
      expect(JSON.stringify(result)).not.toMatch(INSIDE);
    },
  })),
  {
    name: 'a result that its schema forbids is not sent',
    spec: 'server/tools, Output Schema',
    run: async ({ client }) => {
      const result = await client.callTool('wrong_result');
      expect(result).toMatchObject({ isError: true });
      expect(kindOf(result)).toBe('invalid_result');
      expect(JSON.stringify(result)).not.toMatch(INSIDE);
    },
  },
  {
    name: 'guards, pipes, interceptors and filters of Nest run around a tool',
    spec: 'DESIGN decision 2',
    run: async ({ client }) => {
      expect(textOf(await client.callTool('guarded', { word: 'open' }))).toBe('open');
      const denied = await client.callTool('guarded', { word: 'forbidden' });
      expect(denied.isError).toBe(true);
      expect(kindOf(denied)).toBe('permission_denied');
      expect(textOf(await client.callTool('dressed', { word: 'suit' }))).toBe('[SUIT]');
      expect(textOf(await client.callTool('filtered', { word: 'xyzzy' }))).toBe('There is no word xyzzy');
    },
  },
];
