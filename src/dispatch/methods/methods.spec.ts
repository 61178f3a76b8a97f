import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';
import {
  GetPromptResultSchema,
  ListPromptsResultSchema,
  ListResourcesResultSchema,
  ListResourceTemplatesResultSchema,
  ListToolsResultSchema,
  ReadResourceResultSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { DispatchWorld, envelope, TestExchange } from '../../../test/support/dispatch-world.js';
import { principalOf } from '../../../test/support/tool-world.js';
import { StartError } from '../../common/index.js';
import { Completion, Prompt } from '../../prompts/index.js';
import { LEGACY_REVISIONS } from '../../protocol/index.js';
import { Resource, ResourceTemplate } from '../../resources/index.js';
import { ServerFacts, Tool, type ToolContext } from '../../tools/index.js';

@Injectable()
class Everything {
  @Tool({ description: 'Adds', input: { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] } })
  add({ a }: { a: number }): string {
    return String(a + 1);
  }

  @Tool({ roles: ['admin'] })
  secret(): string {
    return 'psst';
  }

  @Tool()
  talk(_args: unknown, context: ToolContext): string {
    for (const [i, level] of (['debug', 'info', 'error', 'loud'] as never[]).entries())
      context.log(level, { i }, 'mine');
    context.log('info', undefined);
    for (const progress of [1, 1, 0, 2, Number.NaN, Number.POSITIVE_INFINITY, 3])
      context.progress(progress, 3, 'so far');
    context.progress(4, Number.POSITIVE_INFINITY);
    context.notify('notifications/mine', { a: 1 });
    return 'done';
  }

  @Resource({ uri: 'a://1', name: 'One' })
  one(): string {
    return 'one';
  }

  @Resource({ uri: 'a://secret', roles: ['admin'] })
  hidden(): string {
    return 'psst';
  }

  @ResourceTemplate({ uriTemplate: 'a://{id}/x' })
  any({ id }: { id: string }): string {
    return id;
  }

  @Prompt({ name: 'review', arguments: [{ name: 'code', required: true }] })
  review({ code }: { code: string }): string {
    return `Review ${code}`;
  }

  @Completion({ prompt: 'review', argument: 'code' })
  codes(value: string): string[] {
    return [`${value}1`];
  }
}

@Injectable()
class Broken {
  @Tool({ name: 'not a name' })
  one(): void {}

  @Prompt({ name: 'twice' })
  two(): void {}

  @Prompt({ name: 'twice' })
  three(): void {}

  @Resource({ uri: 'relative' })
  four(): void {}
}

let world: DispatchWorld;

beforeEach(async () => {
  for (const level of ['log', 'debug', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
  world = await DispatchWorld.open({ providers: [Everything] });
});

afterEach(async () => {
  await world.close();
  jest.restoreAllMocks();
});

const invalid = (why: string): object => ({
  error: { code: -32602, message: `Invalid params: ${why}`, data: { kind: 'invalid_params' } },
});

describe.each([...LEGACY_REVISIONS])('the methods in %s', (revision) => {
  let exchange: TestExchange;

  beforeEach(async () => {
    exchange = await world.connect(revision);
  });

  it('list what a caller may see, in the form of the protocol', async () => {
    const list = async (method: string): Promise<unknown> => (await world.ask(method, {}, exchange)).result;
    const { tools } = ListToolsResultSchema.parse(await list('tools/list'));
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['echo', 'add', 'talk']));
    expect(tools.map(({ name }) => name)).not.toContain('secret');
    const { resources } = ListResourcesResultSchema.parse(await list('resources/list'));
    expect(resources.map(({ uri }) => uri)).toContain('a://1');
    expect(resources.map(({ uri }) => uri)).not.toContain('a://secret');
    const { resourceTemplates } = ListResourceTemplatesResultSchema.parse(await list('resources/templates/list'));
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual(['a://{id}/x']);
    const { prompts } = ListPromptsResultSchema.parse(await list('prompts/list'));
    expect(prompts.map(({ name }) => name)).toContain('review');
  });

  it('read, fill in, complete and call', async () => {
    const read = await world.ask('resources/read', { uri: 'a://7/x' }, exchange);
    expect(ReadResourceResultSchema.parse(read.result).contents).toEqual([{ uri: 'a://7/x', text: '7' }]);
    const prompt = await world.ask('prompts/get', { name: 'review', arguments: { code: 'x' } }, exchange);
    expect(GetPromptResultSchema.parse(prompt.result).messages[0]?.content).toEqual({ type: 'text', text: 'Review x' });
    const ref = { type: 'ref/prompt', name: 'review' };
    const completed = await world.ask('completion/complete', { ref, argument: { name: 'code', value: 'a' } }, exchange);
    expect(completed.result).toEqual({ completion: { values: ['a1'], total: 1, hasMore: false } });
    expect(await world.ask('tools/call', { name: 'add', arguments: { a: 1 } }, exchange)).toMatchObject({
      result: { content: [{ type: 'text', text: '2' }] },
    });
    expect((await world.ask('ping', {}, exchange)).result).toEqual({});
  });

  it('tell arguments that do not fit as the revision wants it', async () => {
    const answer = await world.ask('tools/call', { name: 'add', arguments: {} }, exchange);
    const message = 'Invalid arguments for tool add: a is required';
    if (revision === '2025-11-25') {
      expect(answer.result).toMatchObject({ isError: true, content: [{ type: 'text', text: message }] });
    } else {
      expect(answer.error).toMatchObject({ code: -32602, message, data: { kind: 'invalid_params' } });
    }
  });

  it('refuse a cursor that was not given', async () => {
    for (const method of ['tools/list', 'resources/list', 'resources/templates/list', 'prompts/list']) {
      expect(await world.ask(method, { cursor: 'x' }, exchange)).toMatchObject({
        error: { code: -32602, data: { kind: 'invalid_cursor' } },
      });
    }
  });
});

describe('what is asked of the methods', () => {
  let exchange: TestExchange;

  beforeEach(async () => {
    exchange = await world.connect();
  });

  it.each([
    ['tools/call', {}, 'name must be a string'],
    ['tools/call', { name: 5 }, 'name must be a string'],
    ['resources/read', { uri: null }, 'uri must be a string'],
    ['resources/subscribe', {}, 'uri must be a string'],
    ['resources/unsubscribe', {}, 'uri must be a string'],
    ['prompts/get', {}, 'name must be a string'],
    ['prompts/get', { name: 'review', arguments: [] }, 'arguments must be an object'],
    ['prompts/get', { name: 'review', arguments: { code: 5 } }, 'arguments.code must be a string'],
    ['completion/complete', {}, 'ref.type must be ref/prompt or ref/resource'],
    ['completion/complete', { ref: { type: 'ref/tool', name: 'x' } }, 'ref.type must be ref/prompt or ref/resource'],
    ['completion/complete', { ref: { type: 'ref/prompt' } }, 'name must be a string'],
    ['completion/complete', { ref: { type: 'ref/resource' } }, 'uri must be a string'],
    [
      'completion/complete',
      { ref: { type: 'ref/prompt', name: 'review' }, argument: { name: 'code' } },
      'value must be a string',
    ],
    [
      'completion/complete',
      {
        ref: { type: 'ref/prompt', name: 'review' },
        argument: { name: 'code', value: '' },
        context: { arguments: { a: 1 } },
      },
      'arguments.a must be a string',
    ],
    ['logging/setLevel', {}, 'level must be a string'],
    [
      'logging/setLevel',
      { level: 'loud' },
      'level must be one of debug, info, notice, warning, error, critical, alert, emergency',
    ],
  ])('%s refuses %j', async (method, params, why) => {
    expect(await world.ask(method, params, exchange)).toMatchObject(invalid(why));
  });

  it('logging/setLevel keeps back what is less severe', async () => {
    const levels = async (): Promise<unknown[]> => {
      exchange.sent.length = 0;
      await world.ask('tools/call', { name: 'talk' }, exchange);
      return exchange.sent.filter(({ method }) => method === 'notifications/message').map(({ params }) => params);
    };
    const info = { level: 'info', data: { i: 1 }, logger: 'mine' };
    const error = { level: 'error', data: { i: 2 }, logger: 'mine' };
    const bare = { level: 'info', data: null };
    expect(await levels()).toEqual([info, error, bare]);
    await world.ask('logging/setLevel', { level: 'warning' }, exchange);
    expect(await levels()).toEqual([error]);
    await world.ask('logging/setLevel', { level: 'debug' }, exchange);
    expect(await levels()).toEqual([{ level: 'debug', data: { i: 0 }, logger: 'mine' }, info, error, bare]);
    await world.ask('logging/setLevel', { level: 'emergency' }, exchange);
    expect(await levels()).toEqual([]);
  });

  it.each(['token', 0, '', 7])(
    'progress goes to whoever asked for it, under the token %j, and only grows',
    async (progressToken) => {
      await world.ask('tools/call', { name: 'talk', _meta: { progressToken } }, exchange);
      const told = exchange.sent
        .filter(({ method }) => method === 'notifications/progress')
        .map(({ params }) => params);
      expect(told).toEqual([
        { progressToken, progress: 1, total: 3, message: 'so far' },
        { progressToken, progress: 2, total: 3, message: 'so far' },
        { progressToken, progress: 3, total: 3, message: 'so far' },
        { progressToken, progress: 4 },
      ]);
    },
  );

  it.each([undefined, null, {}, ['x'], true])(
    'progress goes to nobody who gave %j as a token',
    async (progressToken) => {
      await world.ask('tools/call', { name: 'talk', _meta: { progressToken } }, exchange);
      expect(exchange.sent.map(({ method }) => method)).not.toContain('notifications/progress');
    },
  );

  it('progress has no message before 2025-03-26', async () => {
    const old = await world.connect('2024-11-05', {}, new TestExchange(undefined, 'old'));
    await world.ask('tools/call', { name: 'talk', _meta: { progressToken: 1 } }, old);
    const [told] = old.sent.filter(({ method }) => method === 'notifications/progress');
    expect(told?.params).toEqual({ progressToken: 1, progress: 1, total: 3 });
  });

  it('a handler may send notifications of its own', async () => {
    await world.ask('tools/call', { name: 'talk' }, exchange);
    expect(exchange.sent.at(-1)).toEqual({ jsonrpc: '2.0', method: 'notifications/mine', params: { a: 1 } });
  });

  it('D-13 nobody subscribes to what is not for them', async () => {
    for (const uri of ['a://secret', 'a://gone']) {
      expect(await world.ask('resources/subscribe', { uri }, exchange)).toMatchObject({
        error: { code: -32002, message: `Resource not found: ${uri}`, data: { kind: 'resource_not_found' } },
      });
    }
    expect((await world.ask('resources/subscribe', { uri: 'a://7/x' }, exchange)).result).toEqual({});
    expect([...(exchange.session?.subscriptions ?? [])]).toEqual(['a://7/x']);
    expect((await world.ask('resources/unsubscribe', { uri: 'a://7/x' }, exchange)).result).toEqual({});
    expect((await world.ask('resources/unsubscribe', { uri: 'a://never' }, exchange)).result).toEqual({});
    expect(exchange.session?.subscriptions.size).toBe(0);
  });

  it.each(['server/discover', 'subscriptions/listen', 'tasks/get'])(
    'D-1 %s is no method of this era',
    async (method) => {
      const { error } = await world.ask(method, {}, exchange);
      expect(error?.code).toBe(method === 'server/discover' ? -32602 : -32601);
    },
  );
});

describe('the methods in 2026-07-28', () => {
  const ask = (method: string, params: object = {}, exchange = new TestExchange(), meta = envelope()) =>
    world.ask(method, { ...params, _meta: meta }, exchange);
  const about = { 'io.modelcontextprotocol/serverInfo': { name: 'gatehouse', version: expect.any(String) as unknown } };

  it('D-1 need no session', async () => {
    expect((await ask('server/discover')).result).toEqual({
      resultType: 'complete',
      ttlMs: 300_000,
      cacheScope: 'public',
      supportedVersions: ['2026-07-28', '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'],
      capabilities: {
        tools: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        prompts: { listChanged: true },
        logging: {},
        completions: {},
        extensions: { 'io.modelcontextprotocol/tasks': {} },
      },
      _meta: about,
    });
    expect((await ask('tools/call', { name: 'add', arguments: { a: 1 } })).result).toEqual({
      resultType: 'complete',
      content: [{ type: 'text', text: '2' }],
      _meta: about,
    });
    expect((await ask('resources/read', { uri: 'a://1' })).result).toEqual({
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
      contents: [{ uri: 'a://1', text: 'one' }],
      _meta: about,
    });
    const names = ((await ask('tools/list')).result?.['tools'] as { name: string }[]).map(({ name }) => name);
    expect(names).toContain('add');
  });

  it('D-1 stand beside a session on one connection', async () => {
    const exchange = await world.connect('2025-06-18');
    expect((await ask('tools/call', { name: 'add', arguments: { a: 1 } }, exchange)).result).toHaveProperty(
      'resultType',
    );
    expect((await world.ask('tools/call', { name: 'add', arguments: { a: 1 } }, exchange)).result).not.toHaveProperty(
      'resultType',
    );
  });

  it.each([
    [{ 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }, -32602, 'invalid_envelope'],
    [envelope([] as never), -32602, 'invalid_envelope'],
    [{ ...envelope(), 'io.modelcontextprotocol/protocolVersion': 5 }, -32602, 'invalid_envelope'],
    [{ ...envelope(), 'io.modelcontextprotocol/protocolVersion': '2025-11-25' }, -32022, 'unsupported_revision'],
    [{ ...envelope(), 'io.modelcontextprotocol/logLevel': 5 }, -32602, 'invalid_envelope'],
    [{ ...envelope(), 'io.modelcontextprotocol/logLevel': 'loud' }, -32602, 'invalid_params'],
  ])('refuse the envelope %j', async (meta, code, kind) => {
    const { error } = await ask('tools/list', {}, new TestExchange(), meta);
    expect(error).toMatchObject({ code, data: { kind } });
    if (kind === 'unsupported_revision') {
      expect(error?.data).toMatchObject({
        requested: '2025-11-25',
        supported: expect.arrayContaining(['2026-07-28']) as unknown,
      });
    }
  });

  it('refuse a discovery without an envelope', async () => {
    const exchange = new TestExchange();
    expect((await world.ask('server/discover', {}, exchange)).error).toMatchObject({
      data: { kind: 'invalid_envelope' },
    });
  });

  it.each(['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'no/such'])(
    'do not know %s',
    async (method) => {
      expect((await ask(method)).error).toMatchObject({ code: -32601, data: { kind: 'method_not_found' } });
    },
  );

  it('D-4 tell what is not found by the code of this era', async () => {
    expect((await ask('resources/read', { uri: 'a://gone' })).error).toMatchObject({
      code: -32602,
      data: { kind: 'resource_not_found' },
    });
    expect((await ask('tools/call', { name: 'gone' })).error).toMatchObject({
      code: -32602,
      data: { kind: 'unknown_tool' },
    });
  });

  it('send log messages only to who asks for them with the request', async () => {
    const silent = new TestExchange();
    await ask('tools/call', { name: 'talk' }, silent);
    expect(silent.sent.map(({ method }) => method)).toEqual(['notifications/mine']);
    const keen = new TestExchange();
    await ask('tools/call', { name: 'talk' }, keen, envelope({}, { 'io.modelcontextprotocol/logLevel': 'error' }));
    expect(keen.sent.filter(({ method }) => method === 'notifications/message')).toHaveLength(1);
  });
});

describe('CatalogueLoader', () => {
  it('K-24 K-35 refuses to start, and tells every fault of any kind', async () => {
    const starting = DispatchWorld.open({ providers: [Broken] });
    await expect(starting).rejects.toBeInstanceOf(StartError);
    await expect(starting).rejects.toMatchObject({
      exitCode: 78,
      faults: [
        'Broken.one: "not a name" is not a tool name: use 1 to 128 of A-Z a-z 0-9 _ - .',
        'Broken.four: "relative" is not an absolute URI',
        'Broken.three: prompt "twice" is already defined by Broken.two',
      ],
    });
  });
});

describe('LiveServerFacts', () => {
  it('D-13 tells of the server what a caller may see', async () => {
    const facts = world.get(ServerFacts);
    const [operator, admin] = [principalOf('operator'), principalOf('admin')];
    const names = (principal: typeof operator): string[] => facts.enabledTools(principal).map(({ name }) => name);
    expect(names(operator)).toContain('add');
    expect(names(operator)).not.toContain('secret');
    expect(names(admin)).toContain('secret');
    expect(facts.resourceCount(admin) - facts.resourceCount(operator)).toBe(1);
    expect([facts.name, facts.version]).toEqual(['gatehouse', expect.stringMatching(/^\d/)]);
    const exchange = await world.connect();
    await world.ask('tools/call', { name: 'add', arguments: { a: 1 } }, exchange);
    await world.ask('prompts/get', { name: 'review', arguments: { code: 'x' } }, exchange);
    expect([facts.sessionCount, facts.callCount]).toEqual([1, 1]);
  });
});
