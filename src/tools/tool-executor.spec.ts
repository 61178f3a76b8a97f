import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  BadRequestException,
  ForbiddenException,
  InternalServerErrorException,
  Logger,
  UnauthorizedException,
} from '@nestjs/common';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { IsEmail, IsString } from 'class-validator';
import fc from 'fast-check';
import { callScope, principalOf, RecordingClient, ToolWorld } from '../../test/support/tool-world.js';
import { Policy, type PolicyDecision } from '../auth/index.js';
import { ProtocolError, ToolError } from '../common/index.js';
import type { ToolContext } from './tool-context.js';
import type { ToolResult } from './tool-result.js';

const ERROR = 'mcp-gatehouse/error';
let errors: unknown[][];

beforeEach(() => {
  errors = [];
  jest.spyOn(Logger.prototype, 'error').mockImplementation((...args: unknown[]) => void errors.push(args));
});

afterEach(() => {
  jest.restoreAllMocks();
});

const textOf = ({ content }: ToolResult): string =>
  content.map((block) => (block.type === 'text' ? block.text : '?')).join();
const kindOf = ({ _meta }: ToolResult): unknown => (_meta?.[ERROR] as { kind: unknown } | undefined)?.kind;

/** Work that ends when it is told to. */
function pending(): { readonly work: Promise<unknown>; end(value?: unknown): void; fail(error: unknown): void } {
  let end: (value: unknown) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const work = new Promise<unknown>((resolve, reject) => ([end, fail] = [resolve, reject]));
  return { work, end, fail };
}

async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

/** Schema that takes everything, and its time. */
function slow(until: Promise<unknown>, version: 'input' | 'output' = 'input'): StandardSchemaV1 {
  const standard = {
    version: 1 as const,
    vendor: `slow ${version}`,
    validate: async (value: unknown) => (await until, { value }),
    jsonSchema: { input: () => ({ type: 'object' }), output: () => ({ type: 'object' }) },
  };
  return { '~standard': standard };
}

describe('ToolExecutor: a call', () => {
  it('hands checked arguments and the context to the method', async () => {
    class Greeting {
      @IsString() name!: string;
    }
    const run = jest.fn((_args: unknown, _context: ToolContext) => 'hi');
    const world = new ToolWorld().add({ input: Greeting }, run);
    const reply = new RecordingClient();
    expect(await world.call({ name: 'ada' }, callScope({ client: reply }))).toEqual({
      content: [{ type: 'text', text: 'hi' }],
    });
    const [args, context] = run.mock.calls[0] ?? [];
    expect(args).toBeInstanceOf(Greeting);
    context?.progress(1, 2);
    expect(reply.sent).toEqual([['progress', 1, 2, undefined]]);
    expect(context?.requestId).toBe('req-1');
    expect([world.deadlines.size, world.outcomes()]).toEqual([0, { success: 1 }]);
  });

  it.each<[string, () => unknown]>([
    ['at once', () => 'done'],
    ['later', async () => Promise.resolve('done')],
    ['through something like a promise', () => ({ then: (done: (value: string) => void) => done('done') })],
  ])('takes a result that comes %s', async (_when, run) => {
    const world = new ToolWorld().add({}, run);
    expect(textOf(await world.call())).toBe('done');
    expect(world.registry.get('tool')?.bulkhead.runningCount).toBe(0);
  });

  it.each([undefined, null])('takes %p for no arguments', async (args) => {
    const world = new ToolWorld().add({ input: { type: 'object', maxProperties: 0 } }, (given) =>
      JSON.stringify(given),
    );
    expect(textOf(await world.call(args))).toBe('{}');
  });

  it('tells a result that is a failure as one', async () => {
    const world = new ToolWorld().add({}, () => ({ content: [], isError: true }));
    expect(await world.call()).toEqual({ content: [], isError: true });
    expect(world.audit.entries).toMatchObject([{ outcome: 'failure', kind: 'tool_failed' }]);
  });
});

describe('ToolExecutor: refusals', () => {
  it('K-27 knows no tool of another name', async () => {
    const world = new ToolWorld().add({}, () => 1);
    await expect(world.call({}, callScope(), 'Tool')).rejects.toMatchObject({
      kind: 'unknown_tool',
      family: 'protocol',
      message: 'Unknown tool: Tool',
    });
    await expect(world.call({}, callScope(), '__proto__')).rejects.toMatchObject({ kind: 'unknown_tool' });
    expect(world.deadlines.size).toBe(0);
  });

  it('D-13 answers the same for a tool that is not for the caller, switched off or not', async () => {
    const run = jest.fn(() => 1);
    const world = new ToolWorld().add({ roles: ['admin'] }, run);
    const hidden = { kind: 'unknown_tool', message: 'Unknown tool: tool' };
    await expect(world.call('text')).rejects.toMatchObject(hidden);
    world.registry.setEnabled('tool', false);
    await expect(world.call()).rejects.toMatchObject(hidden);
    expect(run).not.toHaveBeenCalled();
    expect(world.outcomes()).toEqual({ refused: 2 });
    expect(textOf(await world.call({}, callScope({ principal: principalOf('admin') })))).toContain('not enabled');
  });

  it('S1-9 answers for a tool that is switched off', async () => {
    const run = jest.fn(() => 1);
    const world = new ToolWorld().add({ enabled: false, input: undefined as never }, run);
    const result = await world.call({ any: 'thing' });
    expect(result).toEqual({
      content: [{ type: 'text', text: "Tool 'tool' is not enabled on this server" }],
      isError: true,
      _meta: { [ERROR]: { kind: 'tool_disabled', requestId: 'req-1' } },
    });
    expect(run).not.toHaveBeenCalled();
    expect(world.outcomes()).toEqual({ refused: 1 });
  });

  it('names what does not fit', async () => {
    const run = jest.fn(() => 1);
    const input = {
      type: 'object',
      properties: { a: { type: 'string' } },
      required: ['a'],
      additionalProperties: false,
    };
    const world = new ToolWorld().add({ input }, run);
    await expect(world.call({ b: 1 })).rejects.toMatchObject({
      kind: 'invalid_params',
      family: 'protocol',
      message: 'Invalid arguments for tool tool: a is required; b is not known',
      data: { faults: ['a is required', 'b is not known'] },
    });
    for (const args of [1, true, [], ['a']])
      await expect(world.call(args)).rejects.toMatchObject({ kind: 'invalid_params' });
    expect(run).not.toHaveBeenCalled();
    expect(world.outcomes()).toEqual({ refused: 5 });
  });

  it('S1-17 takes a bare text for the argument that its author named', async () => {
    const input = { type: 'object', properties: { message: { type: 'string', maxLength: 5 } } };
    const world = new ToolWorld().add({ input, textArgument: 'message' }, (args) => JSON.stringify(args));
    expect(textOf(await world.call('hi'))).toBe('{"message":"hi"}');
    expect(textOf(await world.call(''))).toBe('{"message":""}');
    await expect(world.call('too long')).rejects.toMatchObject({ kind: 'invalid_params' });
  });

  it('S1-17 says what any other tool expects', async () => {
    const world = new ToolWorld().add({}, () => 1);
    const result = await world.call('x'.repeat(1_000));
    expect(textOf(result)).toBe(`Tool 'tool' expects object arguments, got string: ${'x'.repeat(200)}`);
    expect([result.isError, kindOf(result)]).toEqual([true, 'invalid_params']);
    expect(world.outcomes()).toEqual({ refused: 1 });
  });

  it('K-9 counts runs of one tool by one caller', async () => {
    const run = jest.fn(() => 1);
    const world = new ToolWorld().add({ runsPerMinute: 1 }, run).add({ name: 'other', runsPerMinute: 1 }, run);
    await world.call();
    await expect(world.call()).rejects.toMatchObject({ kind: 'rate_limited', data: { retryAfterMs: 60_000 } });
    await world.call({}, callScope(), 'other');
    await world.call({}, callScope({ callerKey: 'bob' }));
    expect(run).toHaveBeenCalledTimes(3);
  });

  it('D-12 counts before it checks, and asks the policy about checked arguments', async () => {
    const asked: unknown[] = [];
    class Wary extends Policy {
      override viewKey = () => '';
      override isVisible = () => true;
      override decide = (_caller: unknown, _target: unknown, args: unknown): PolicyDecision => {
        asked.push(args);
        return { isAllowed: false, reason: 'Not that.' };
      };
    }
    const run = jest.fn(() => 1);
    class Mail {
      @IsEmail() to!: string;
    }
    const world = new ToolWorld({}, new Wary()).add({ input: Mail, runsPerMinute: 2 }, run);
    await expect(world.call({ to: 'nobody' })).rejects.toMatchObject({ kind: 'invalid_params' });
    expect(asked).toEqual([]);
    await expect(world.call({ to: 'a@example.com' })).rejects.toMatchObject({
      kind: 'permission_denied',
      message: 'Not that.',
    });
    expect(asked[0]).toBeInstanceOf(Mail);
    await expect(world.call({ to: 'a@example.com' })).rejects.toMatchObject({ kind: 'rate_limited' });
    expect([run.mock.calls.length, asked.length]).toEqual([0, 1]);
  });
});

describe('ToolExecutor: deadlines', () => {
  it.each([
    [undefined, undefined, 300_000],
    [undefined, 5_000, 5_000],
    [undefined, 400_000, 400_000],
    [undefined, 9_000_000, 3_600_000],
    [20_000, undefined, 20_000],
    [20_000, 5_000, 5_000],
    [20_000, 50_000, 20_000],
  ])('K-30 S4-18 of a tool with %p and a caller with %p is %p', async (timeoutMs, asked, expected) => {
    const { work } = pending();
    let context: ToolContext | undefined;
    const world = new ToolWorld().add({ ...(timeoutMs && { timeoutMs }) }, (_args, given) => ((context = given), work));
    const running = world.call({}, callScope({ timeoutMs: asked }));
    await settled();
    expect((context?.deadline ?? 0) - world.clock.now()).toBe(expected);
    world.pass(expected - 1);
    await settled();
    expect([context?.signal.aborted, world.figures().active]).toEqual([false, 1]);
    world.pass(1);
    const result = await running;
    expect(textOf(result)).toBe('The deadline passed before the work was done.');
    expect([result.isError, kindOf(result), context?.signal.aborted]).toEqual([true, 'timeout', true]);
    expect([world.outcomes(), world.deadlines.size]).toEqual([{ timeout: 1 }, 0]);
  });

  it('K-30 takes the setting for a tool above what its author wrote', async () => {
    const world = new ToolWorld({ toolOverrides: { tool: { timeoutSec: 2 } } }).add(
      { timeoutMs: 50_000 },
      () => pending().work,
    );
    const running = world.call();
    await settled();
    world.pass(2_000);
    expect(kindOf(await running)).toBe('timeout');
  });

  it('W-19 ends rules that need time, too', async () => {
    const checking = pending();
    const run = jest.fn(() => 1);
    const world = new ToolWorld().add({ input: slow(checking.work) }, run);
    const running = world.call();
    await settled();
    world.pass(300_000);
    expect(kindOf(await running)).toBe('timeout');
    checking.end();
    await settled();
    expect(run).not.toHaveBeenCalled();
    const checkingResult = pending();
    world.add({ name: 'other', output: slow(checkingResult.work, 'output') }, () => ({ a: 1 }));
    const other = world.call({}, callScope(), 'other');
    await settled();
    world.pass(300_000);
    expect(kindOf(await other)).toBe('timeout');
  });

  it('W-19 a call that is cancelled gets no answer, and its work is told', async () => {
    let signal: AbortSignal | undefined;
    const world = new ToolWorld().add({}, (_args, context) => ((signal = context.signal), pending().work));
    const scope = callScope();
    const running = expect(world.call({}, scope)).rejects.toMatchObject({ kind: 'cancelled', family: 'protocol' });
    await settled();
    scope.cancel('gone');
    await running;
    expect(signal?.reason).toMatchObject({ kind: 'cancelled' });
    expect(world.outcomes()).toEqual({ cancelled: 1 });
  });

  it('does not start what was ended before', async () => {
    const run = jest.fn(() => 1);
    const world = new ToolWorld().add({}, run);
    const scope = callScope();
    scope.abort(new ProtocolError('shutting_down', 'The server is shutting down'));
    await expect(world.call({}, scope)).rejects.toMatchObject({ kind: 'shutting_down' });
    expect(run).not.toHaveBeenCalled();
    expect(world.registry.get('tool')?.bulkhead.runningCount).toBe(0);
  });
});

describe('ToolExecutor: places', () => {
  it('S4-22 K-31 lets as many run as there are places, the others wait in order', async () => {
    const started: unknown[] = [];
    const works = [pending(), pending(), pending()];
    const world = new ToolWorld().add({ concurrency: 1, queue: 2 }, (args) => {
      started.push(args);
      return works[started.length - 1]?.work;
    });
    const calls = [1, 2, 3].map((n) => world.call({ n }));
    await settled();
    expect(started).toEqual([{ n: 1 }]);
    works[0]?.end('a');
    await settled();
    expect(started).toEqual([{ n: 1 }, { n: 2 }]);
    works[1]?.end('b');
    await settled();
    works[2]?.end('c');
    expect((await Promise.all(calls)).map(textOf)).toEqual(['a', 'b', 'c']);
    expect(world.registry.get('tool')?.bulkhead.runningCount).toBe(0);
  });

  it('6.3 refuses whom the queue has no room for', async () => {
    const world = new ToolWorld().add({ concurrency: 1, queue: 0 }, () => pending().work);
    void world.call();
    await settled();
    const result = await world.call();
    expect(textOf(result)).toBe("Tool 'tool' is busy: 1 calls run and 0 wait. Try again in 1 s.");
    expect(result._meta?.[ERROR]).toMatchObject({ kind: 'server_busy', retryAfterMs: 1_000 });
    expect(world.outcomes()).toEqual({ refused: 1 });
  });

  it('holds the place until the work is done, even where its caller went away', async () => {
    const work = pending();
    const run = jest.fn(() => work.work);
    const world = new ToolWorld().add({ concurrency: 1, timeoutMs: 100 }, run);
    const bulkhead = world.registry.get('tool')?.bulkhead;
    const first = world.call();
    await settled();
    world.pass(100);
    expect(kindOf(await first)).toBe('timeout');
    expect(bulkhead?.runningCount).toBe(1);
    const second = world.call();
    await settled();
    expect(run).toHaveBeenCalledTimes(1);
    work.fail(new Error('at last'));
    await settled();
    expect([run.mock.calls.length, bulkhead?.runningCount]).toEqual([2, 0]);
    expect(kindOf(await second)).toBe('internal');
  });

  it.each([
    ['is cancelled', 'cancelled'],
    ['runs out of time', 'timeout'],
  ])('who %s while waiting never runs, and leaves the queue', async (_how, outcome) => {
    const work = pending();
    const run = jest.fn(() => work.work);
    const world = new ToolWorld({ breaker: { failureThreshold: 1 } }).add({ concurrency: 1 }, run);
    const first = world.call();
    const scope = callScope({ timeoutMs: 50 });
    const second = world.call({}, scope).then(kindOf, (error: unknown) => (error as ProtocolError).kind);
    await settled();
    expect(world.registry.get('tool')?.bulkhead.waitingCount).toBe(1);
    if (outcome === 'timeout') world.pass(50);
    else scope.cancel('gone');
    expect(await second).toBe(outcome);
    expect([world.registry.get('tool')?.bulkhead.waitingCount, run.mock.calls.length]).toEqual([0, 1]);
    // The tool has done nothing wrong.
    expect(world.registry.get('tool')?.breaker.state).toBe('closed');
    work.end('a');
    expect(textOf(await first)).toBe('a');
    expect(textOf(await world.call())).toBe('a');
  });

  it('gives places round the callers that wait, and each their own number', async () => {
    const order: string[] = [];
    const works: ReturnType<typeof pending>[] = [];
    const run = (args: unknown): unknown => {
      order.push((args as { name: string }).name);
      works.push(pending());
      return works.at(-1)?.work;
    };
    const world = new ToolWorld().add({ concurrency: 2, perCaller: 1 }, run);
    const calls = ['a 1', 'a 2', 'a 3', 'b 1', 'c 1', 'b 2'].map((name) =>
      world.call({ name }, callScope({ callerKey: name.charAt(0) })),
    );
    await settled();
    expect(order).toEqual(['a 1', 'b 1']);
    for (let at = 0; at < calls.length; at++) {
      works[at]?.end('done');
      await settled();
    }
    expect(order).toEqual(['a 1', 'b 1', 'c 1', 'a 2', 'b 2', 'a 3']);
    expect((await Promise.all(calls)).map(textOf)).toEqual(calls.map(() => 'done'));
  });

  it('tells a call that had to give way to another caller that the tool is busy', async () => {
    const work = pending();
    const world = new ToolWorld().add({ concurrency: 1, queue: 2 }, () => work.work);
    const callers = ['hog', 'hog', 'hog', 'ada'];
    const calls = callers.map((callerKey) => world.call({}, callScope({ callerKey })));
    expect(kindOf((await calls[2]) as ToolResult)).toBe('server_busy');
    work.end('done');
    expect((await Promise.all([calls[0], calls[1], calls[3]])).map((result) => textOf(result as ToolResult))).toEqual([
      'done',
      'done',
      'done',
    ]);
    expect(world.outcomes()).toEqual({ success: 3, refused: 1 });
  });

  it('who is ended in the moment it gets its place gives it on', async () => {
    const [first, third] = [pending(), pending()];
    const run = jest.fn((args: unknown) => ((args as { n: number }).n === 1 ? first.work : third.work));
    const world = new ToolWorld().add({ concurrency: 1 }, run);
    const calls = [world.call({ n: 1 })];
    const scope = callScope();
    const second = expect(world.call({ n: 2 }, scope)).rejects.toMatchObject({ kind: 'cancelled' });
    calls.push(world.call({ n: 3 }));
    await settled();
    first.end('a');
    // The place is the second's before its promise has told it.
    while (world.registry.get('tool')?.bulkhead.waitingCount === 2) await Promise.resolve();
    scope.cancel('gone');
    await second;
    third.end('c');
    expect((await Promise.all(calls)).map(textOf)).toEqual(['a', 'c']);
    expect(run.mock.calls.map(([args]) => args)).toEqual([{ n: 1 }, { n: 3 }]);
  });
});

describe('ToolExecutor: results that do not fit', () => {
  const output = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };

  it('sends structured content that fits, and lets failures pass', async () => {
    const world = new ToolWorld().add({ output }, (args) => args);
    expect(await world.call({ n: 1 })).toEqual({
      content: [{ type: 'text', text: '{"n":1}' }],
      structuredContent: { n: 1 },
    });
    const failed = { content: [], isError: true };
    expect(await world.call(failed)).toEqual(failed);
  });

  it.each([
    [{ n: 'x' }, 'n must be number'],
    [{}, 'n is required'],
    [{ content: [] }, 'the value must be object'],
    [{ content: [], structuredContent: { n: 'x' } }, 'n must be number'],
  ])('6.3 says of %j whose fault it is, and to the log what is wrong', async (args, fault) => {
    const world = new ToolWorld().add({ output }, (given) => given);
    const result = await world.call(args);
    expect(textOf(result)).toBe(
      "Tool 'tool' returned a result that its output schema does not allow. Its author must mend it.",
    );
    expect(kindOf(result)).toBe('invalid_result');
    const msg = `Tool tool returned what its output schema does not allow: ${fault}`;
    expect(errors).toEqual([[{ msg, requestId: 'req-1' }]]);
    expect(world.audit.entries).toMatchObject([{ outcome: 'failure', kind: 'invalid_result' }]);
  });

  it('tells a result that JSON cannot say as a failure of the tool', async () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const world = new ToolWorld().add({}, () => circle);
    const result = await world.call();
    expect(kindOf(result)).toBe('internal');
    expect(errors[0]?.[0]).toEqual({ msg: 'Tool tool threw', requestId: 'req-1' });
  });
});

describe('ToolExecutor: what is thrown', () => {
  it('shows what was written for the caller', async () => {
    const world = new ToolWorld().add({}, () => {
      throw new ToolError('No city called Atlantis.', { kind: 'tool_failed', data: { cities: 2 } });
    });
    expect(await world.call()).toEqual({
      content: [{ type: 'text', text: 'No city called Atlantis.' }],
      isError: true,
      _meta: { [ERROR]: { kind: 'tool_failed', requestId: 'req-1', cities: 2 } },
    });
    expect(errors).toEqual([]);
  });

  it('passes on an error of the protocol', async () => {
    const error = new ProtocolError('resource_not_found', 'gone');
    const world = new ToolWorld().add({}, () => Promise.reject(error));
    await expect(world.call()).rejects.toBe(error);
    expect(world.outcomes()).toEqual({ refused: 1 });
  });

  it.each([
    [new ForbiddenException('Forbidden resource'), 'permission_denied', 'refused'],
    [new UnauthorizedException('Log in first'), 'permission_denied', 'refused'],
    [new BadRequestException('Bad word'), 'tool_failed', 'failure'],
  ])('shows what a guard or a pipe of Nest refused: %p', async (error, kind, outcome) => {
    const world = new ToolWorld().add({}, () => Promise.reject(error));
    const result = await world.call();
    expect([textOf(result), result.isError, kindOf(result)]).toEqual([error.message, true, kind]);
    expect([world.outcomes(), errors]).toEqual([{ [outcome]: 1 }, []]);
  });

  it.each([
    ['an error', new Error('password is 123'), 'Error: password is 123'],
    ['an error of Nest', new InternalServerErrorException('password is 123'), 'password is 123'],
    ['a text', 'password is 123', 'password is 123'],
    ['an object', { password: 123 }, '[object Object]'],
    ['nothing', undefined, 'undefined'],
  ])('hides the words of %s, and tells the log', async (_what, error, logged) => {
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever a plug-in throws
    const world = new ToolWorld().add({}, () => Promise.reject(error));
    const result = await world.call();
    expect(textOf(result)).toBe("Tool 'tool' failed. The operator finds the cause in the log under req-1.");
    expect([kindOf(result), JSON.stringify(result).includes('123')]).toEqual(['internal', false]);
    expect(errors).toEqual([[{ msg: 'Tool tool threw', requestId: 'req-1' }, expect.stringContaining(logged)]]);
    expect(world.outcomes()).toEqual({ failure: 1 });
  });

  it('shows the words of an error, and never its stack, where a setting says so', async () => {
    const world = new ToolWorld({ tools: { exposeErrors: true } }).add({}, () => {
      throw new TypeError('x is not a function');
    });
    expect(textOf(await world.call())).toBe(
      "Tool 'tool' failed: x is not a function The operator finds the cause in the log under req-1.",
    );
    // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever a plug-in throws
    world.add({ name: 'other' }, () => Promise.reject('secret'));
    expect(textOf(await world.call({}, callScope(), 'other'))).not.toContain('secret');
  });
});

describe('ToolExecutor: the books', () => {
  const ends = ['value', 'later', 'isError', 'tool error', 'protocol error', 'throw', 'reject', 'timeout', 'cancel'];
  const more = ['disabled', 'hidden', 'invalid', 'text', 'busy', 'bad result', 'no JSON'];

  it('every call is audited and counted once, however it ends', async () => {
    const property = fc.asyncProperty(fc.array(fc.constantFrom(...ends, ...more), { maxLength: 12 }), async (steps) => {
      const blocked = pending();
      const world = new ToolWorld({ breaker: { failureThreshold: 100 } });
      const input = { type: 'object', properties: { how: { type: 'string' } }, additionalProperties: false };
      const run = (args: unknown): unknown => {
        const { how } = args as { how?: string };
        if (how === 'later') return Promise.resolve('x');
        if (how === 'isError') return { content: [], isError: true };
        if (how === 'tool error') throw new ToolError('x');
        if (how === 'protocol error') throw new ProtocolError('invalid_params', 'x');
        if (how === 'throw') throw new Error('x');
        if (how === 'reject') return Promise.reject(new Error('x'));
        if (how === 'timeout' || how === 'cancel' || how === 'busy') return blocked.work;
        return how === 'no JSON' ? { big: 1n } : 'x';
      };
      world
        .add({ input }, run)
        .add({ name: 'hidden', roles: ['admin'] }, run)
        .add({ name: 'off', enabled: false }, run);
      world
        .add({ name: 'narrow', concurrency: 1, queue: 0 }, run)
        .add({ name: 'strict', output: input }, () => ({ a: 1 }));
      const names: Record<string, string> = {
        disabled: 'off',
        hidden: 'hidden',
        busy: 'narrow',
        'bad result': 'strict',
      };
      let calls = 0;
      for (const how of steps) {
        const scope = callScope();
        const args = how === 'text' ? 'text' : how === 'invalid' ? { more: 1 } : { how };
        const call = (): Promise<unknown> => {
          calls += 1;
          return world.call(args, scope, names[how] ?? 'tool').catch(() => undefined);
        };
        const running = call();
        await settled();
        if (how === 'timeout') world.pass(300_000);
        if (how === 'cancel') scope.cancel('gone');
        if (how === 'busy') await call();
        else await running;
      }
      blocked.end();
      await settled();
      await settled();
      const figures = [...world.metrics.calls().values()];
      expect(figures.reduce((sum, { executions }) => sum + executions, 0)).toBe(calls);
      expect(figures.every(({ active }) => active === 0)).toBe(true);
      expect(world.audit.entries).toHaveLength(calls);
      expect(world.deadlines.size).toBe(0);
      for (const { bulkhead } of world.registry.all())
        expect([bulkhead.runningCount, bulkhead.waitingCount]).toEqual([0, 0]);
    });
    await fc.assert(property, { numRuns: 100 });
  });
});
