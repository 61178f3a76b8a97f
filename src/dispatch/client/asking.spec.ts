import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';
import { type Answer, DispatchWorld, envelope, TestExchange } from '../../../test/support/dispatch-world.js';
import { principalOf } from '../../../test/support/tool-world.js';
import { Deadlines } from '../../tools/deadlines.js';
import { Tool, type ToolContext } from '../../tools/index.js';
import { ClientQuestions } from '../client-questions.js';

const FORM = {
  message: 'Sure?',
  requestedSchema: { type: 'object', properties: { sure: { type: 'boolean' } }, required: ['sure'] },
};
const SAMPLE = { messages: [], maxTokens: 10 };

@Injectable()
class Asking {
  effects = 0;
  signals: AbortSignal[] = [];

  @Tool({ runsPerMinute: 2 })
  async confirm(_args: unknown, context: ToolContext): Promise<string> {
    this.signals.push(context.signal);
    const order = await context.once('order', () => `order ${++this.effects}`);
    const { action, content } = await context.elicit('sure', FORM);
    return `${order}: ${action} ${JSON.stringify(content)}`;
  }

  @Tool()
  async both(_args: unknown, context: ToolContext): Promise<string> {
    const [{ action }, roots] = await Promise.all([context.elicit('sure', FORM), context.listRoots('roots')]);
    return `${action} ${roots.length}`;
  }

  @Tool()
  async thrice(_args: unknown, context: ToolContext): Promise<string> {
    const answers = [];
    for (const key of ['a', 'b', 'c']) answers.push((await context.elicit(key, FORM)).action);
    return answers.join();
  }

  @Tool()
  async swallow(_args: unknown, context: ToolContext): Promise<string> {
    await context.elicit('sure', FORM).catch(() => undefined);
    return 'did not wait';
  }

  @Tool()
  async sample(_args: unknown, context: ToolContext): Promise<string> {
    const { content } = await context.sample('model', { ...SAMPLE });
    return JSON.stringify(content);
  }

  @Tool()
  async visit(_args: unknown, context: ToolContext): Promise<string> {
    return (await context.elicit('page', { message: 'Log in', url: 'https://example.com' })).action;
  }

  @Tool()
  able(_args: unknown, context: ToolContext): string {
    const all = ['elicitation', 'elicitation.url', 'sampling', 'sampling.tools', 'roots'] as const;
    return all.filter((capability) => context.supports(capability)).join();
  }
}

let world: DispatchWorld;

async function settled(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}

beforeEach(async () => {
  for (const level of ['log', 'debug', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
  world = await DispatchWorld.open({ providers: [Asking] });
});

afterEach(async () => {
  await world.close();
  jest.restoreAllMocks();
});

const textOf = (answer: Answer | undefined): string =>
  (answer?.result?.['content'] as { text: string }[] | undefined)?.map(({ text }) => text).join() ??
  JSON.stringify(answer);

describe('asking a client of 2025', () => {
  const ALL = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: {} };

  it('asks by a request of ours, and goes on with the answer', async () => {
    const exchange = await world.connect('2025-11-25', ALL);
    const running = world.send({ id: 1, method: 'tools/call', params: { name: 'confirm' } }, exchange);
    await settled();
    const [question] = exchange.sent;
    expect(question).toEqual({
      jsonrpc: '2.0',
      id: expect.stringMatching(/^[0-9a-f]{10}-1$/) as unknown,
      method: 'elicitation/create',
      params: { mode: 'form', ...FORM },
    });
    await world.send({ id: question?.id, result: { action: 'accept', content: { sure: true } } }, exchange);
    expect(textOf(await running)).toBe('order 1: accept {"sure":true}');
    expect(world.get(ClientQuestions).count).toBe(0);
  });

  it('names no mode to a client that knows none', async () => {
    const exchange = await world.connect('2025-06-18', { elicitation: {} });
    void world.send({ id: 1, method: 'tools/call', params: { name: 'confirm' } }, exchange);
    await settled();
    expect(exchange.sent[0]?.params).toEqual(FORM);
  });

  it.each([
    ['confirm', {}, { elicitation: { form: {} } }],
    ['visit', { elicitation: { form: {} } }, { elicitation: { url: {} } }],
    ['sample', { elicitation: {} }, { sampling: {} }],
    ['both', { elicitation: {} }, { roots: {} }],
  ])('asks nobody who did not declare it: %s', async (name, capabilities, requiredCapabilities) => {
    const exchange = await world.connect('2025-11-25', capabilities);
    const { error } = await world.ask('tools/call', { name }, exchange);
    expect(error).toMatchObject({ code: -32600, data: { kind: 'missing_capability', requiredCapabilities } });
  });

  it('tells handlers what the client can do', async () => {
    const all = await world.connect('2025-11-25', ALL);
    expect(textOf(await world.ask('tools/call', { name: 'able' }, all))).toBe(
      'elicitation,elicitation.url,sampling,sampling.tools,roots',
    );
    const none = await world.connect('2025-11-25', {}, new TestExchange(undefined, 'none'));
    expect(textOf(await world.ask('tools/call', { name: 'able' }, none))).toBe('');
  });

  it.each([
    [
      { result: { action: 'maybe' } },
      'The client gave an answer that does not fit: action must be accept, decline or cancel',
    ],
    [{ result: { action: 'accept' } }, 'The client gave an answer that does not fit: content must be an object'],
    [{ result: { action: 'accept', content: {} } }, 'The client gave an answer that does not fit: sure is missing'],
    [
      { result: { action: 'accept', content: { sure: 'x' } } },
      'The client gave an answer that does not fit: sure does not fit its schema',
    ],
    [{ error: { code: 1, message: 'no \u001b[31muser' } }, 'The client could not answer: no \\u001b[31muser'],
  ])('W-38 tells the model of an answer that is none: %j', async (answer, text) => {
    const exchange = await world.connect('2025-11-25', ALL);
    const running = world.send({ id: 1, method: 'tools/call', params: { name: 'confirm' } }, exchange);
    await settled();
    await world.send({ id: exchange.sent[0]?.id, ...answer }, exchange);
    const result = await running;
    expect([textOf(result), result?.result?.['isError']]).toEqual([text, true]);
  });

  it('D-6 takes an answer in the session that was asked, once, and drops any other with an event', async () => {
    const exchange = await world.connect('2025-11-25', ALL);
    const stranger = await world.connect('2025-11-25', ALL, new TestExchange(undefined, 'stranger'));
    const running = world.send({ id: 1, method: 'tools/call', params: { name: 'confirm' } }, exchange);
    await settled();
    const id = exchange.sent[0]?.id;
    const answer = { id, result: { action: 'decline' } };
    for (const [message, from] of [
      [answer, stranger],
      [answer, new TestExchange()],
      [{ ...answer, id: 'gone' }, exchange],
      [{ ...answer, id: 1 }, exchange],
    ] as const) {
      const before = world.security.events.length;
      expect(await world.send(message, from)).toBeUndefined();
      expect(world.security.events.slice(before)).toEqual([
        { event: 'invalid_input', details: { transport: 'stdio', error: 'An answer that nobody is owed' } },
      ]);
    }
    await world.send(answer, exchange);
    expect(textOf(await running)).toBe('order 1: decline undefined');
    const before = world.security.events.length;
    await world.send(answer, exchange);
    expect(world.security.events.length).toBe(before + 1);
  });

  it('takes the question back when the call ends before the answer', async () => {
    const exchange = await world.connect('2025-11-25', ALL);
    const running = world.send({ id: 1, method: 'tools/call', params: { name: 'confirm' } }, exchange);
    await settled();
    await world.send({ method: 'notifications/cancelled', params: { requestId: 1 } }, exchange);
    expect(await running).toBeUndefined();
    expect(exchange.sent.at(-1)).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: exchange.sent[0]?.id },
    });
    expect(world.get(ClientQuestions).count).toBe(0);
  });

  it('waits no longer than the call lives', async () => {
    const exchange = await world.connect('2025-11-25', ALL);
    const running = world.send({ id: 1, method: 'tools/call', params: { name: 'confirm' } }, exchange);
    await settled();
    world.clock.advance(300_000);
    world.get(Deadlines).sweep();
    expect((await running)?.result).toMatchObject({ isError: true });
    expect(world.get(ClientQuestions).count).toBe(0);
  });

  it('asks several things at once', async () => {
    const exchange = await world.connect('2025-11-25', ALL);
    const running = world.send({ id: 1, method: 'tools/call', params: { name: 'both' } }, exchange);
    await settled();
    const [form, roots] = exchange.sent;
    expect([form?.method, roots?.method]).toEqual(['elicitation/create', 'roots/list']);
    await world.send({ id: roots?.id, result: { roots: [{ uri: 'file:///a' }] } }, exchange);
    await world.send({ id: form?.id, result: { action: 'accept', content: { sure: true } } }, exchange);
    expect(textOf(await running)).toBe('accept 1');
  });

  it('asks the model of the client, and the page of its user', async () => {
    const exchange = await world.connect('2025-11-25', ALL);
    const sampling = world.send({ id: 1, method: 'tools/call', params: { name: 'sample' } }, exchange);
    const visiting = world.send({ id: 2, method: 'tools/call', params: { name: 'visit' } }, exchange);
    await settled();
    const [model, page] = exchange.sent;
    expect([model?.params, page?.params]).toEqual([
      SAMPLE,
      { mode: 'url', elicitationId: page?.id, message: 'Log in', url: 'https://example.com' },
    ]);
    const said = { role: 'assistant', model: 'm', content: { type: 'text', text: 'hi' } };
    await world.send({ id: model?.id, result: said }, exchange);
    await world.send({ id: page?.id, result: { action: 'cancel' } }, exchange);
    expect([textOf(await sampling), textOf(await visiting)]).toEqual(['{"type":"text","text":"hi"}', 'cancel']);
  });
});

describe('asking a client of 2026-07-28', () => {
  const CAPABLE = { elicitation: { form: {} }, roots: {} };
  const call = (name: string, more: object = {}, capabilities: Record<string, unknown> = CAPABLE): Promise<Answer> =>
    world.ask('tools/call', { name, ...more, _meta: envelope(capabilities) }, new TestExchange());
  const accept = { action: 'accept', content: { sure: true } };

  it('D-5 asks by the result, and runs again with the answer, doing once what has an effect', async () => {
    const first = (await call('confirm')).result;
    expect(first).toMatchObject({
      resultType: 'input_required',
      inputRequests: { sure: { method: 'elicitation/create', params: FORM } },
      requestState: expect.any(String) as unknown,
    });
    const { requestState } = first as { requestState: string };
    const second = await call('confirm', { requestState, inputResponses: { sure: accept } });
    expect(textOf(second)).toBe('order 1: accept {"sure":true}');
    expect(second.result?.['resultType']).toBe('complete');
    expect(world.get(Asking).effects).toBe(1);
    // It was the last round.
    expect((await call('confirm', { requestState, inputResponses: { sure: accept } })).error).toMatchObject({
      code: -32602,
      data: { kind: 'invalid_state' },
    });
  });

  it('D-5 asks again for what is missing or does not fit, and keeps what it has', async () => {
    let state = (await call('thrice')).result as { requestState: string; inputRequests: object };
    for (const [key, next] of [
      ['a', 'b'],
      ['b', 'c'],
    ] as const) {
      expect(Object.keys(state.inputRequests)).toEqual([key]);
      const bad = { [key]: { action: 'accept', content: { sure: 'x' } } };
      state = (await call('thrice', { requestState: state.requestState, inputResponses: bad })).result as typeof state;
      expect(Object.keys(state.inputRequests)).toEqual([key]);
      const inputResponses = { [key]: { action: 'decline' } };
      state = (await call('thrice', { requestState: state.requestState, inputResponses })).result as typeof state;
      expect(Object.keys(state.inputRequests)).toEqual([next]);
    }
    const inputResponses = { c: { action: 'cancel' } };
    expect(textOf(await call('thrice', { requestState: state.requestState, inputResponses }))).toBe(
      'decline,decline,cancel',
    );
  });

  it('D-5 asks at once for all that is wanted at once', async () => {
    const { result } = await call('both');
    expect(Object.keys(result?.['inputRequests'] as object)).toEqual(['sure', 'roots']);
    const inputResponses = { sure: accept, roots: { roots: [] } };
    expect(textOf(await call('both', { requestState: result?.['requestState'], inputResponses }))).toBe('accept 0');
  });

  it('D-5 takes answers that come with the first request', async () => {
    expect(textOf(await call('confirm', { inputResponses: { sure: accept } }))).toBe('order 1: accept {"sure":true}');
  });

  it('D-5 waits, also for a handler that swallowed the wait', async () => {
    expect((await call('swallow')).result).toMatchObject({ resultType: 'input_required' });
    expect(textOf(await call('swallow', { inputResponses: { sure: accept } }))).toBe('did not wait');
  });

  it('D-5 counts the first round only, and audits each', async () => {
    for (let i = 0; i < 2; i++) {
      const { result } = await call('confirm');
      expect(result).toMatchObject({ resultType: 'input_required' });
      const { requestState } = result as { requestState: string };
      const inputResponses = { sure: { action: 'decline' } };
      expect(textOf(await call('confirm', { requestState, inputResponses }))).toContain('decline');
    }
    expect((await call('confirm')).error).toMatchObject({ data: { kind: 'rate_limited' } });
    expect(world.audit.entries.map(({ outcome }) => outcome)).toEqual([
      'waiting',
      'success',
      'waiting',
      'success',
      'refused',
    ]);
  });

  it('D-5 belongs to its subject', async () => {
    const { result } = await call('confirm');
    const bob = new TestExchange({ ...principalOf('operator'), subject: 'bob' });
    const params = { name: 'confirm', requestState: result?.['requestState'], inputResponses: { sure: accept } };
    expect((await world.ask('tools/call', { ...params, _meta: envelope(CAPABLE) }, bob)).error).toMatchObject({
      data: { kind: 'invalid_state' },
    });
  });

  it('D-4 tells what the client would have to declare', async () => {
    expect((await call('confirm', {}, {})).error).toMatchObject({
      code: -32021,
      data: { kind: 'missing_capability', requiredCapabilities: { elicitation: { form: {} } } },
    });
  });

  it('cancels by the connection, as there is no session', async () => {
    const exchange = new TestExchange();
    const running = world.send(
      { id: 'x', method: 'tools/call', params: { name: 'confirm', _meta: envelope(CAPABLE) } },
      exchange,
    );
    expect(exchange.calls.runningCount).toBe(1);
    await world.send({ method: 'notifications/cancelled', params: { requestId: 'x' } }, exchange);
    expect(await running).toBeUndefined();
    expect(exchange.calls.runningCount).toBe(0);
  });
});
