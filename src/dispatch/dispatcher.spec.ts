import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';
import { type Answer, DispatchWorld, envelope, TestExchange } from '../../test/support/dispatch-world.js';
import { principalOf } from '../../test/support/tool-world.js';
import { Lifecycle } from '../common/index.js';
import type { ConfigOverrides } from '../config/index.js';
import { AddressBlocks, RateLimiter } from '../limits/index.js';
import { Tool, type ToolContext } from '../tools/index.js';
import { RunningWork } from './running-work.js';

const FREE = { type: 'object' };

@Injectable()
class Tools {
  /** Ends what waits, in order. */
  readonly ends: ((value: string) => void)[] = [];
  readonly signals: AbortSignal[] = [];

  @Tool({ input: FREE })
  say(args: unknown): string {
    return JSON.stringify(args);
  }

  @Tool({ input: FREE })
  wait(_args: unknown, { signal }: ToolContext): Promise<string> {
    this.signals.push(signal);
    return new Promise((resolve) => this.ends.push(resolve));
  }

  @Tool({ input: FREE })
  async ask(_args: unknown, context: ToolContext): Promise<string> {
    const { action } = await context.elicit('sure', {
      message: 'Sure?',
      requestedSchema: { type: 'object', properties: {} },
    });
    return action;
  }

  @Tool({ input: FREE })
  circle(): object {
    const circle: Record<string, unknown> = { content: [] };
    circle['self'] = circle;
    return circle;
  }
}

let world: DispatchWorld;
let errors: unknown[][];

async function open(settings: ConfigOverrides = {}): Promise<DispatchWorld> {
  world = await DispatchWorld.open({ settings, providers: [Tools] });
  return world;
}

async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

const request = (id: unknown, method: string, params?: object): object => ({ jsonrpc: '2.0', id, method, params });
const call = (id: unknown, name: string, args: object = {}): object =>
  request(id, 'tools/call', { name, arguments: args });
const parsed = <T = Answer>(reply: { readonly text: string } | undefined): T => JSON.parse(reply?.text ?? 'null') as T;

beforeEach(() => {
  errors = [];
  for (const level of ['log', 'debug'] as const) jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
  jest.spyOn(Logger.prototype, 'error').mockImplementation((...args: unknown[]) => void errors.push(args));
});

afterEach(async () => {
  await world.close();
  jest.restoreAllMocks();
});

describe('Dispatcher: the start of a session', () => {
  it.each([
    ['2024-11-05', '2024-11-05'],
    ['2025-03-26', '2025-03-26'],
    ['2025-06-18', '2025-06-18'],
    ['2025-11-25', '2025-11-25'],
    ['2026-07-28', '2025-11-25'],
    ['1999-01-01', '2025-11-25'],
  ])('K-34 asked for %s it gives %s', async (asked, given) => {
    await open();
    const exchange = new TestExchange();
    const params = { protocolVersion: asked, capabilities: {}, clientInfo: { name: 'a', version: '1' } };
    const { result } = await world.ask('initialize', params, exchange);
    expect(result).toMatchObject({ protocolVersion: given, serverInfo: { name: 'gatehouse' } });
    expect(exchange.session?.revision).toBe(given);
    expect('completions' in (result?.['capabilities'] as object)).toBe(given !== '2024-11-05');
  });

  it('answers a ping before, and nothing else', async () => {
    await open();
    const exchange = new TestExchange();
    expect(await world.ask('ping', {}, exchange)).toMatchObject({ result: {} });
    for (const method of ['tools/list', 'no/such', 'logging/setLevel']) {
      expect(await world.ask(method, {}, exchange)).toMatchObject({
        error: { code: -32600, message: 'Not initialized: send initialize first', data: { kind: 'not_initialized' } },
      });
    }
  });

  it.each([
    [{ capabilities: {}, clientInfo: { name: 'a', version: '1' } }, 'protocolVersion must be a string'],
    [
      { protocolVersion: '2025-11-25', capabilities: [], clientInfo: { name: 'a', version: '1' } },
      'capabilities must be an object',
    ],
    [{ protocolVersion: '2025-11-25', capabilities: {} }, 'clientInfo must have a name and a version'],
    [
      { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a' } },
      'clientInfo must have a name and a version',
    ],
    [{ protocolVersion: '2025-11-25', clientInfo: { name: 'a', version: '1' } }, 'capabilities must be an object'],
  ])('refuses to initialize with %j', async (params, why) => {
    await open();
    const exchange = new TestExchange();
    expect(await world.ask('initialize', params, exchange)).toMatchObject({
      error: { code: -32602, message: `Invalid params: ${why}`, data: { kind: 'invalid_params' } },
    });
    expect(exchange.session).toBeUndefined();
  });

  it('refuses to initialize twice', async () => {
    await open();
    const exchange = await world.connect();
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } };
    expect(await world.ask('initialize', params, exchange)).toMatchObject({
      error: { data: { kind: 'already_initialized' } },
    });
  });
});

describe('Dispatcher: messages', () => {
  it('answers each request under its id', async () => {
    await open();
    const exchange = await world.connect();
    for (const id of [0, -5, 'a', '']) {
      expect(await world.send(call(id, 'say', { a: 1 }) as never, exchange)).toMatchObject({
        id,
        result: { content: [{ type: 'text', text: '{"a":1}' }] },
      });
    }
  });

  it('S1-13 tells an unknown method, and what is no message', async () => {
    await open();
    const exchange = await world.connect();
    expect(await world.ask('no/such', {}, exchange)).toMatchObject({
      error: { code: -32601, message: 'Method not found: no/such', data: { kind: 'method_not_found' } },
    });
    expect(await world.ask('__proto__', {}, exchange)).toMatchObject({ error: { code: -32601 } });
    const reply = await world.receive('{', exchange);
    expect(parsed(reply)).toMatchObject({ id: null, error: { code: -32700, message: 'Parse error' } });
    expect(reply).toMatchObject({ kind: 'parse_error', isEnvelopeFault: true });
    expect(world.security.events.at(-1)).toEqual({
      event: 'invalid_input',
      details: { transport: 'stdio', principal: 'https://idp/ada', error: 'parse_error', bytes: 1 },
    });
  });

  it('W-15 never answers a notification or a response', async () => {
    await open();
    const exchange = await world.connect();
    for (const text of [
      '{"jsonrpc":"2.0","method":"notifications/initialized"}',
      '{"jsonrpc":"2.0","method":"tools/list"}',
      '{"jsonrpc":"2.0","method":"no/such","params":{"a":1}}',
      '{"jsonrpc":"2.0","id":1,"result":{}}',
      '{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"no"}}',
      '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"no"}}',
    ]) {
      expect(await world.receive(text, exchange)).toBeUndefined();
    }
  });

  it('6.2 hides the words of what nobody foresaw, and logs them under the id that it tells', async () => {
    await open();
    const exchange = await world.connect();
    const { error } = await world.ask('tools/call', { name: 'circle', arguments: {} }, exchange);
    expect(error).toMatchObject({ code: -32603, message: 'Internal error', data: { kind: 'internal' } });
    const requestId = String(error?.data['requestId']);
    expect(requestId).toMatch(/^req-/);
    expect(errors).toEqual([[`tools/call failed, request ${requestId}`, expect.stringContaining('circular')]]);
    expect(JSON.stringify(error)).not.toContain('circular');
  });

  it('tells each failure with its request id', async () => {
    await open();
    const exchange = await world.connect();
    const { error } = await world.ask('tools/call', { name: 'gone' }, exchange);
    expect(error).toEqual({
      code: -32602,
      message: 'Unknown tool: gone',
      data: { kind: 'unknown_tool', requestId: expect.stringMatching(/^req-/) as unknown },
    });
    expect(world.audit.entries).toMatchObject([{ target: 'tool:gone', outcome: 'refused', kind: 'unknown_tool' }]);
    expect(world.audit.entries[0]?.requestId).toBe(error?.data['requestId']);
  });
});

describe('Dispatcher: what was made up', () => {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { extensions: { 'io.modelcontextprotocol/tasks': {} } },
  };

  it.each([
    ['tools/list', { cursor: 'forged' }, 'invalid_cursor'],
    ['tools/call', { name: 'say', arguments: {}, requestState: 'forged' }, 'invalid_state'],
    ['tasks/get', { taskId: 'forged' }, 'unknown_task'],
  ])('is a security event in %s, which names what it was and who sent it', async (method, params, kind) => {
    await open();
    const exchange = await world.connect();
    world.security.events.length = 0;
    expect(await world.ask(method, { ...params, _meta: meta }, exchange)).toMatchObject({ error: { data: { kind } } });
    const { issuer, subject } = exchange.principal;
    expect(world.security.events).toEqual([
      {
        event: 'invalid_input',
        details: {
          transport: 'stdio',
          principal: `${issuer}/${subject}`,
          sessionId: exchange.session?.idHash,
          error: kind,
        },
      },
    ]);
  });

  it('is none where the caller only asked for what is not there', async () => {
    await open();
    const exchange = await world.connect();
    world.security.events.length = 0;
    for (const [method, params] of [
      ['tools/call', { name: 'nothing' }],
      ['resources/read', { uri: 'a:nothing' }],
      ['no/such/method', {}],
    ] as const) {
      expect(await world.ask(method, params, exchange)).toMatchObject({ error: {} });
    }
    expect(world.security.events).toEqual([]);
  });

  it.each([
    ['tools/call', { name: '../../etc/passwd' }, 'tool:../../etc/passwd'],
    ['tools/call', { name: 'a\n[SECURITY] {}' }, 'tool:a\\u000a[SECURITY] {}'],
    ['resources/read', { uri: 'file:///srv/../etc/passwd' }, 'resource:file:///srv/../etc/passwd'],
    ['resources/read', { uri: 'server://%2e%2e/config' }, 'resource:server://%2e%2e/config'],
    ['prompts/get', { name: '..\\x' }, 'prompt:..\\x'],
  ])('is a name that leads out of where names are looked up: %s %j', async (method, params, target) => {
    await open();
    const exchange = await world.connect();
    world.security.events.length = 0;
    expect(await world.ask(method, params, exchange)).toMatchObject({ error: {} });
    expect(world.security.events).toMatchObject([{ event: 'target_rejected', details: { target, rule: 'name' } }]);
  });
});

describe('Dispatcher: rates', () => {
  it('K-11 S0-12 answers what is over the limit with its id, and does not do it', async () => {
    await open({ rate: { maxMessages: 3 } });
    const exchange = await world.connect();
    await world.send(call(1, 'say') as never, exchange);
    await world.send({ method: 'notifications/initialized' }, exchange);
    world.clock.advance(10_000);
    const reply = await world.receive(JSON.stringify(call('late', 'say')), exchange);
    expect(parsed(reply)).toEqual({
      jsonrpc: '2.0',
      id: 'late',
      error: { code: -32000, message: 'Rate limit exceeded', data: { kind: 'rate_limited', retryAfterMs: 50_000 } },
    });
    expect(reply).toMatchObject({ kind: 'rate_limited', retryAfterMs: 50_000, isEnvelopeFault: true });
    expect(world.audit.entries).toHaveLength(1);
    expect(world.security.events.at(-1)).toEqual({
      event: 'rate_limit_exceeded',
      details: {
        transport: 'stdio',
        ip: undefined,
        principal: 'ada',
        bucket: 'messages',
        limit: 3,
        windowMs: 60_000,
        retryAfterMs: 50_000,
        message: 'Rate limit exceeded for client: ada',
      },
    });
    world.clock.advance(50_000);
    expect(await world.send(call(2, 'say') as never, exchange)).toMatchObject({ id: 2, result: {} });
  });

  it('D-4 says so in the code of the era that the message is of', async () => {
    await open({ rate: { maxMessages: 1 } });
    const exchange = new TestExchange();
    await world.ask('ping', {}, exchange);
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
    expect(await world.ask('tools/list', { _meta: meta }, exchange)).toMatchObject({ error: { code: 42900 } });
    expect(await world.ask('tools/list', {}, exchange)).toMatchObject({ error: { code: -32000 } });
  });

  it('D-12 counts every message, whatever it is', async () => {
    await open({ rate: { maxMessages: 6 } });
    const exchange = await world.connect();
    await world.receive('{', exchange);
    await world.receive('[]', exchange);
    await world.receive('{"jsonrpc":"2.0","id":1,"result":{}}', exchange);
    await world.receive('{"jsonrpc":"2.0","method":"x"}', exchange);
    await world.receive('[{"jsonrpc":"2.0","method":"x"}]', exchange);
    expect(await world.ask('ping', {}, exchange)).toMatchObject({ error: { data: { kind: 'rate_limited' } } });
    expect(parsed(await world.receive('{', exchange))).toMatchObject({ id: null, error: { code: -32000 } });
    expect(await world.receive('{"jsonrpc":"2.0","method":"x"}', exchange)).toBeUndefined();
  });

  it('K-11 drops a notification and a response that are over the limit', async () => {
    await open({ rate: { maxMessages: 5 } });
    const exchange = await world.connect('2025-11-25', { elicitation: {} });
    const say = (message: object): Promise<unknown> =>
      world.receive(JSON.stringify({ jsonrpc: '2.0', ...message }), exchange);
    const calls = [world.receive(JSON.stringify(call(1, 'wait')), exchange), say(call(2, 'ask'))] as const;
    while (exchange.sent.length === 0) await Promise.resolve();
    const answer = { id: exchange.sent[0]?.id, result: { action: 'decline' } };
    const cancelled = { method: 'notifications/cancelled', params: { requestId: 1 } };
    for (let i = 0; i < 2; i++) await say({ method: 'notifications/initialized' });
    for (const late of [answer, cancelled]) expect(await say(late)).toBeUndefined();
    expect(await Promise.race([...calls, settled().then(() => 'neither ended')])).toBe('neither ended');
    world.clock.advance(60_000);
    for (const heard of [answer, cancelled]) expect(await say(heard)).toBeUndefined();
    expect(await Promise.all(calls)).toMatchObject([
      undefined,
      { text: expect.stringContaining('decline') as unknown },
    ]);
  });

  it('D-11 counts a proven caller as one, and others by session or connection', async () => {
    await open({ rate: { maxMessages: 2 } });
    const anonymous = { ...principalOf('operator'), isAuthenticated: false };
    const limited = async (exchange: TestExchange): Promise<boolean> =>
      'error' in (await world.ask('ping', {}, exchange));
    const proven = [new TestExchange(principalOf('operator'), 'a'), new TestExchange(principalOf('operator'), 'b')];
    for (const exchange of proven) expect(await limited(exchange)).toBe(false);
    expect(await limited(proven[0] as TestExchange)).toBe(true);
    expect(await limited(new TestExchange({ ...principalOf('operator'), subject: 'bob' }))).toBe(false);
    expect(await limited(new TestExchange({ ...principalOf('operator'), issuer: 'https://other' }))).toBe(false);
    const one = new TestExchange(anonymous, 'one');
    for (let i = 0; i < 2; i++) expect(await limited(one)).toBe(false);
    expect(await limited(one)).toBe(true);
    expect(await limited(new TestExchange(anonymous, 'other'))).toBe(false);
    // What opened a session counts on the connection that it lives and dies with,
    const bound = new TestExchange(anonymous, 'third');
    await world.connect('2025-11-25', {}, bound);
    expect([await limited(bound), await limited(bound)]).toEqual([false, true]);
    // and not for one that any connection can bring back.
    class SealedExchange extends TestExchange {
      override readonly isSealed = true;
    }
    const sealed = new SealedExchange(anonymous, 'fourth');
    await world.connect('2025-11-25', {}, sealed);
    for (let i = 0; i < 2; i++) expect(await limited(sealed)).toBe(false);
    expect(await limited(sealed)).toBe(true);
  });

  it('waits for a limit that is decided elsewhere', async () => {
    await open();
    const exchange = await world.connect();
    const rates = world.get(RateLimiter);
    const refusal = { isAllowed: false, retryAfterMs: 7, limit: 1, windowMs: 60_000 } as const;
    jest.spyOn(rates, 'takeMessage').mockReturnValueOnce(Promise.resolve(refusal));
    expect(await world.ask('ping', {}, exchange)).toMatchObject({ error: { data: { retryAfterMs: 7 } } });
    jest.spyOn(rates, 'takeMessage').mockReturnValueOnce(Promise.resolve({ isAllowed: true }));
    expect(await world.ask('ping', {}, exchange)).toMatchObject({ result: {} });
  });

  it('S2-17 blocks the address of messages over the limit, where a setting says for how long', async () => {
    await open({ rate: { maxMessages: 1 }, block: { rateMs: 300_000 } });
    class RemoteExchange extends TestExchange {
      override get origin() {
        return { door: 'http', address: '192.0.2.7' };
      }
    }
    const remote = new RemoteExchange({ ...principalOf('operator'), subject: 'eve' });
    for (let i = 0; i < 3; i++) await world.ask('ping', {}, remote);
    expect(world.get(AddressBlocks).blockOf('192.0.2.7')?.reason).toBe('rate_limit_exceeded');
    expect(world.security.names.filter((name) => name === 'ip_blocked')).toHaveLength(1);
  });
});

describe('Dispatcher: batches', () => {
  it('D-1 serves the members of a batch at once, and answers those that are owed an answer', async () => {
    await open();
    const exchange = await world.connect('2025-03-26');
    const batch = [
      call(1, 'wait'),
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      call(2, 'say'),
      1,
      request('three', 'no/such'),
      { jsonrpc: '2.0', id: 9, result: {} },
    ];
    const replying = world.receive(JSON.stringify(batch), exchange);
    await settled();
    world.get(Tools).ends[0]?.('at last');
    const answers = parsed<Answer[]>(await replying);
    expect(answers.map(({ id, error }) => [id, error?.code])).toEqual([
      [1, undefined],
      [2, undefined],
      [null, -32600],
      ['three', -32601],
    ]);
  });

  it('answers nothing where nothing is owed', async () => {
    await open();
    const exchange = await world.connect('2025-03-26');
    expect(
      await world.receive('[{"jsonrpc":"2.0","method":"a"},{"jsonrpc":"2.0","method":"b"}]', exchange),
    ).toBeUndefined();
  });

  it.each(['2024-11-05', '2025-06-18', '2025-11-25'])('D-1 takes no batch in %s', async (revision) => {
    await open();
    const exchange = await world.connect(revision);
    const reply = await world.receive(JSON.stringify([call(1, 'say')]), exchange);
    expect(parsed(reply)).toMatchObject({ id: null, error: { code: -32600, data: { kind: 'batch_not_allowed' } } });
    expect(world.audit.entries).toEqual([]);
  });

  it('D-1 takes no batch before a session, so that none can hold initialize', async () => {
    await open();
    const params = { protocolVersion: '2025-03-26', capabilities: {}, clientInfo: { name: 'a', version: '1' } };
    const exchange = new TestExchange();
    const reply = await world.receive(JSON.stringify([request(1, 'initialize', params)]), exchange);
    expect(parsed(reply)).toMatchObject({ error: { data: { kind: 'batch_not_allowed' } } });
    expect(exchange.session).toBeUndefined();
  });

  it('W-39 takes as many members as the limit says', async () => {
    await open({ limits: { maxBatch: 2 } });
    const exchange = await world.connect('2025-03-26');
    const batch = (n: number): string => JSON.stringify(Array.from({ length: n }, (_, i) => call(i, 'say')));
    expect(parsed<Answer[]>(await world.receive(batch(2), exchange))).toHaveLength(2);
    expect(parsed(await world.receive(batch(3), exchange))).toMatchObject({
      error: { message: 'Invalid request: a batch holds 2 messages at most', data: { kind: 'batch_not_allowed' } },
    });
  });
});

describe('Dispatcher: running calls', () => {
  it('refuses an id that still runs, and takes it again afterwards', async () => {
    await open();
    const exchange = await world.connect();
    const first = world.send(call(7, 'wait') as never, exchange);
    await settled();
    expect(await world.send(call(7, 'say') as never, exchange)).toMatchObject({
      id: 7,
      error: { code: -32600, data: { kind: 'duplicate_request_id' } },
    });
    // A text is another id than a number.
    expect(await world.send(call('7', 'say') as never, exchange)).toMatchObject({ id: '7', result: {} });
    world.get(Tools).ends[0]?.('done');
    expect(await first).toMatchObject({ id: 7, result: { content: [{ text: 'done' }] } });
    expect(await world.send(call(7, 'say') as never, exchange)).toMatchObject({ id: 7, result: {} });
  });

  it('W-39 lets as many run at once as the limit says', async () => {
    await open({ limits: { maxInFlight: 2 } });
    const exchange = await world.connect();
    const running = [1, 2].map((id) => world.send(call(id, 'wait') as never, exchange));
    await settled();
    expect(await world.send(call(3, 'say') as never, exchange)).toMatchObject({
      error: { code: -32000, data: { kind: 'server_busy' } },
    });
    const other = await world.connect('2025-11-25', {}, new TestExchange(undefined, 'other'));
    expect(await world.send(call(3, 'say') as never, other)).toMatchObject({ result: {} });
    for (const end of world.get(Tools).ends) end('done');
    await Promise.all(running);
    expect(await world.send(call(3, 'say') as never, exchange)).toMatchObject({ result: {} });
  });

  it('W-19 answers nothing to a request that was cancelled, and tells its work', async () => {
    await open();
    const exchange = await world.connect();
    const running = world.send(call('x', 'wait') as never, exchange);
    await settled();
    for (const requestId of ['y', 5, null, undefined, ['x'], { id: 'x' }]) {
      await world.send({ method: 'notifications/cancelled', params: { requestId } }, exchange);
    }
    await world.send({ method: 'notifications/cancelled' }, exchange);
    expect(world.get(Tools).signals[0]?.aborted).toBe(false);
    await world.send({ method: 'notifications/cancelled', params: { requestId: 'x', reason: 'too slow' } }, exchange);
    expect(await running).toBeUndefined();
    expect(world.get(Tools).signals[0]?.reason).toMatchObject({ message: 'Cancelled: too slow' });
    expect(world.audit.entries).toMatchObject([{ outcome: 'cancelled' }]);
  });

  it('W-19 cancels the calls of its own session only', async () => {
    await open();
    const [one, other] = [
      await world.connect(),
      await world.connect('2025-11-25', {}, new TestExchange(undefined, 'b')),
    ];
    const running = world.send(call(1, 'wait') as never, one);
    await settled();
    await world.send({ method: 'notifications/cancelled', params: { requestId: 1 } }, other);
    expect(world.get(Tools).signals[0]?.aborted).toBe(false);
    world.get(Tools).ends[0]?.('done');
    expect(await running).toMatchObject({ result: {} });
  });

  it('K-30 takes the deadline that a caller asks for', async () => {
    await open();
    const exchange = await world.connect();
    const ask = (id: number, timeoutMs: unknown): Promise<Answer | undefined> =>
      world.send(
        request(id, 'tools/call', {
          name: 'wait',
          arguments: {},
          _meta: { 'mcp-gatehouse/timeoutMs': timeoutMs },
        }) as never,
        exchange,
      );
    const { Deadlines } = await import('../tools/deadlines.js');
    const deadlines = world.get(Deadlines);
    const short = ask(1, 100);
    const others = [0, -5, '100', null].map((timeoutMs, i) => ask(i + 2, timeoutMs));
    await settled();
    world.clock.advance(100);
    deadlines.sweep();
    expect(await short).toMatchObject({ result: { isError: true } });
    expect(deadlines.size).toBe(others.length);
    for (const end of world.get(Tools).ends) end('done');
    await Promise.all(others);
  });

  it('S4-34 begins nothing while the server ends, and hears to the end what is for that which runs', async () => {
    await open();
    const exchange = await world.connect();
    const [kept, cancelled] = [call(1, 'wait'), call(2, 'wait')].map((sent) => world.send(sent as never, exchange));
    await settled();
    world.get(Lifecycle).stop();
    for (const refused of [call(3, 'say'), request(4, 'tools/list'), request(5, 'initialize', {})]) {
      const answer = await world.send(refused as never, exchange);
      expect(answer?.error).toMatchObject({ code: -32000, data: { kind: 'shutting_down', retryAfterMs: 1_000 } });
    }
    const modern = await world.send(request(6, 'server/discover', { _meta: envelope() }) as never, exchange);
    expect(modern?.error?.code).toBe(50302);
    expect(await world.send(request(7, 'ping') as never, exchange)).toMatchObject({ result: {} });
    await world.send({ method: 'notifications/cancelled', params: { requestId: 2 } }, exchange);
    expect(await cancelled).toBeUndefined();
    world.get(Tools).ends[0]?.('done');
    expect(await kept).toMatchObject({ id: 1, result: { content: [{ text: 'done' }] } });
  });

  it('K-36 ends all that runs, whoever began it, and tells them that they may ask again', async () => {
    await open();
    const exchanges = [await world.connect(), await world.connect()];
    const running = exchanges.map((exchange) => world.send(call(1, 'wait') as never, exchange));
    const modern = world.send(
      request(2, 'tools/call', { name: 'wait', arguments: {}, _meta: envelope() }) as never,
      new TestExchange(),
    );
    await settled();
    const work = world.get(RunningWork);
    expect(work.count).toBe(3);
    work.abortAll();
    for (const answer of await Promise.all([...running, modern])) {
      expect(answer?.error?.data['kind']).toBe('shutting_down');
    }
    expect(work.count).toBe(0);
    expect(world.get(Tools).signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
  });

  it('ends what runs when the session does', async () => {
    await open();
    const exchange = await world.connect();
    const running = world.send(call(1, 'wait') as never, exchange);
    await settled();
    const { SessionService } = await import('../session/index.js');
    if (exchange.session) await world.get(SessionService).end(exchange.session, 'disconnected');
    expect(await running).toBeUndefined();
    expect(await world.send(call(2, 'say') as never, exchange)).toMatchObject({
      error: { data: { kind: 'session_not_found' } },
    });
  });
});
