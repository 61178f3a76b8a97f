import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';
import { type Answer, DispatchWorld, envelope, TestExchange } from '../../../test/support/dispatch-world.js';
import { callScope, principalOf } from '../../../test/support/tool-world.js';
import { recordsIn } from '../../../test/support/records.js';
import { Lifecycle, ProtocolError, ToolError } from '../../common/index.js';
import { DurableStore } from '../../store/index.js';
import { Deadlines } from '../../tools/deadlines.js';
import { Tool, type ToolContext, ToolRegistry } from '../../tools/index.js';
import { TaskRun } from './task-run.js';
import { RunningWork } from '../running-work.js';
import { Tasks } from './tasks.js';

const FORM = { message: 'Sure?', requestedSchema: { type: 'object', properties: { sure: { type: 'boolean' } } } };
const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} }, elicitation: {} };

@Injectable()
class Slow {
  readonly ends: { resolve(value: unknown): void; reject(error: unknown): void; context: ToolContext }[] = [];

  private pending(context: ToolContext): Promise<unknown> {
    return new Promise((resolve, reject) => this.ends.push({ resolve, reject, context }));
  }

  @Tool({ task: {}, concurrency: 2, queue: 0 })
  compute(_args: unknown, context: ToolContext): Promise<unknown> {
    return this.pending(context);
  }

  @Tool({ task: { required: true, ttlMs: 5_000 } })
  only(_args: unknown, context: ToolContext): Promise<unknown> {
    return this.pending(context);
  }

  @Tool({ task: { starts: 'by-handler' }, input: { type: 'object' } })
  async maybe({ long }: { long?: boolean }, context: ToolContext): Promise<unknown> {
    if (!long) return 'short';
    await context.becomeTask();
    await context.becomeTask();
    return this.pending(context);
  }

  @Tool({ task: {} })
  async asks(_args: unknown, context: ToolContext): Promise<string> {
    const [one, other] = await Promise.all([context.elicit('one', FORM), context.elicit('other', FORM)]);
    return `${one.action} ${other.action}`;
  }

  @Tool({ task: {} })
  async asksLate(_args: unknown, context: ToolContext): Promise<string> {
    await this.pending(context);
    return (await context.elicit('one', FORM)).action;
  }

  @Tool({ task: {}, roles: ['admin'] })
  secret(): string {
    return 'psst';
  }

  @Tool({ task: { required: true }, roles: ['admin'] })
  secretOnly(): string {
    return 'psst';
  }
}

let world: DispatchWorld;

async function settled(): Promise<void> {
  for (let i = 0; i < 60; i++) await Promise.resolve();
}

beforeEach(async () => {
  for (const level of ['log', 'debug', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
  world = await DispatchWorld.open({ providers: [Slow] });
});

afterEach(async () => {
  await world.close();
  jest.restoreAllMocks();
});

const ask = (
  method: string,
  params: object,
  capabilities: Record<string, unknown> = TASKS,
  exchange = new TestExchange(),
) => world.ask(method, { ...params, _meta: envelope(capabilities) }, exchange);
const start = async (name: string, args: object = {}): Promise<string> => {
  const { result, error } = await ask('tools/call', { name, arguments: args });
  if (result?.['resultType'] !== 'task') throw new Error(JSON.stringify(result ?? error));
  return result['taskId'] as string;
};
const get = async (taskId: string): Promise<Record<string, unknown>> => {
  const { result, error } = await ask('tasks/get', { taskId });
  if (!result) throw new Error(JSON.stringify(error));
  return result;
};
const last = () => world.get(Slow).ends.at(-1) as Slow['ends'][number];

describe('tasks', () => {
  it('SEP-2663 answers a call by a task, which has the result when the work is done', async () => {
    const { result } = await ask('tools/call', { name: 'compute', arguments: {} });
    expect(result).toMatchObject({
      resultType: 'task',
      taskId: expect.any(String) as unknown,
      status: 'working',
      createdAt: '2026-01-01T00:00:00.000Z',
      lastUpdatedAt: '2026-01-01T00:00:00.000Z',
      ttlMs: 3_600_000,
      pollIntervalMs: 1_000,
    });
    const taskId = result?.['taskId'] as string;
    expect(await get(taskId)).toMatchObject({ resultType: 'complete', taskId, status: 'working' });
    world.clock.advance(2_000);
    last().resolve('42');
    await settled();
    expect(await get(taskId)).toMatchObject({
      status: 'completed',
      lastUpdatedAt: '2026-01-01T00:00:02.000Z',
      result: { content: [{ type: 'text', text: '42' }] },
    });
    expect(world.get(Tasks).runningCount).toBe(0);
    expect(world.audit.entries).toMatchObject([{ target: 'tool:compute', outcome: 'success' }]);
  });

  it('answers a client that knows no tasks by the result', async () => {
    const running = ask('tools/call', { name: 'compute', arguments: {} }, {});
    await settled();
    last().resolve('42');
    expect((await running).result).toMatchObject({ resultType: 'complete', content: [{ text: '42' }] });
    const exchange = await world.connect('2025-11-25', TASKS);
    const legacy = world.ask('tools/call', { name: 'maybe', arguments: { long: true } }, exchange);
    await settled();
    last().resolve('43');
    expect((await legacy).result).toMatchObject({ content: [{ text: '43' }] });
    expect(world.get(Tasks).runningCount).toBe(0);
  });

  it('refuses a client that knows no tasks where the tool is nothing else', async () => {
    const required = { extensions: { 'io.modelcontextprotocol/tasks': {} } };
    expect((await ask('tools/call', { name: 'only' }, {})).error).toMatchObject({
      code: -32021,
      data: { kind: 'missing_capability', requiredCapabilities: required },
    });
    expect((await ask('tools/call', { name: 'only' })).result).toMatchObject({ resultType: 'task', ttlMs: 5_000 });
  });

  it('D-13 a tool that is not for the caller is unknown, task or not', async () => {
    for (const capabilities of [TASKS, {}]) {
      for (const name of ['secret', 'secretOnly', 'gone']) {
        const { error, result } = await ask('tools/call', { name }, capabilities);
        expect([result, error]).toEqual([
          undefined,
          {
            code: -32602,
            message: `Unknown tool: ${name}`,
            data: { kind: 'unknown_tool', requestId: expect.any(String) as unknown },
          },
        ]);
      }
    }
    expect(await recordsIn(world.get(DurableStore), 'tasks')).toEqual([]);
    const admin = new TestExchange(principalOf('admin'));
    expect((await ask('tools/call', { name: 'secret' }, TASKS, admin)).result).toMatchObject({ resultType: 'task' });
  });

  it('becomes a task when its handler says so, once', async () => {
    expect((await ask('tools/call', { name: 'maybe', arguments: {} })).result).toMatchObject({
      resultType: 'complete',
      content: [{ text: 'short' }],
    });
    const taskId = await start('maybe', { long: true });
    last().resolve('at last');
    await settled();
    expect(await get(taskId)).toMatchObject({ status: 'completed' });
    expect(await recordsIn(world.get(DurableStore), 'tasks')).toHaveLength(1);
  });

  it('SEP-2663 fails as the work does, and hides words that are not for the client', async () => {
    const failed = await start('compute');
    last().reject(new Error('password is 123'));
    await settled();
    // A tool that failed has a result that says so.
    const view = await get(failed);
    expect(view).toMatchObject({ status: 'completed', result: { isError: true } });
    expect(JSON.stringify(view)).not.toContain('123');
    const refused = await start('compute');
    last().reject(new ProtocolError('invalid_params', 'Not like that', { data: { a: 1 } }));
    await settled();
    expect(await get(refused)).toMatchObject({
      status: 'failed',
      error: { code: -32602, message: 'Not like that', data: { kind: 'invalid_params', a: 1 } },
    });
    const told = await start('compute');
    last().reject(new ToolError('No such city'));
    await settled();
    expect(await get(told)).toMatchObject({
      status: 'completed',
      result: { isError: true, content: [{ text: 'No such city' }] },
    });
  });

  it('W-19 is cancelled down to its work', async () => {
    const taskId = await start('compute');
    expect((await ask('tasks/cancel', { taskId })).result).toMatchObject({ resultType: 'complete' });
    await settled();
    expect(last().context.signal.aborted).toBe(true);
    expect(await get(taskId)).toMatchObject({ status: 'cancelled' });
    // Once more is no fault.
    expect((await ask('tasks/cancel', { taskId })).result).toBeDefined();
    expect((await ask('tasks/update', { taskId, inputResponses: {} })).result).toBeDefined();
  });

  it('S4-34 goes on while the server ends, and fails saying so where it is not done in time', async () => {
    const [done, late] = [await start('compute'), await start('compute')];
    const [first] = world.get(Slow).ends.slice(-2);
    const work = world.get(RunningWork);
    world.get(Lifecycle).stop();
    expect(work.count).toBe(2);
    first?.resolve('42');
    await settled();
    expect(work.count).toBe(1);
    expect(await get(done)).toMatchObject({ status: 'completed' });
    expect((await ask('tools/call', { name: 'compute' })).error).toMatchObject({ data: { kind: 'shutting_down' } });
    work.abortAll();
    await settled();
    expect([work.count, last().context.signal.aborted]).toEqual([0, true]);
    expect(await get(late)).toMatchObject({ status: 'failed', error: { data: { kind: 'shutting_down' } } });
  });

  it('outlives its request, and lives as long as its time', async () => {
    const exchange = new TestExchange();
    const { result } = await ask('tools/call', { name: 'only' }, TASKS, exchange);
    const taskId = result?.['taskId'] as string;
    expect(exchange.calls.runningCount).toBe(0);
    world.clock.advance(4_999);
    world.get(Deadlines).sweep();
    await settled();
    expect(await get(taskId)).toMatchObject({ status: 'working' });
    world.clock.advance(1);
    world.get(Deadlines).sweep();
    await settled();
    expect(last().context.signal.aborted).toBe(true);
    expect((await ask('tasks/get', { taskId })).error).toMatchObject({ data: { kind: 'unknown_task' } });
  });

  it('holds its place among the running calls of the tool', async () => {
    await start('compute');
    await start('compute');
    const third = await start('compute');
    await settled();
    expect(await get(third)).toMatchObject({ status: 'completed', result: { isError: true } });
    expect(world.get(ToolRegistry).get('compute')?.bulkhead.runningCount).toBe(2);
  });

  it('D-7 is its owner\u2019s alone, and nobody can make one up', async () => {
    const taskId = await start('compute');
    const bob = new TestExchange({ ...principalOf('operator'), subject: 'bob' });
    for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update']) {
      for (const [id, exchange] of [
        [taskId, bob],
        [`${taskId}x`, new TestExchange()],
        ['', new TestExchange()],
        [5, new TestExchange()],
        [undefined, new TestExchange()],
      ] as const) {
        const { error } = await ask(method, { taskId: id, inputResponses: {} }, TASKS, exchange);
        expect(error).toMatchObject({ code: -32602, data: { kind: 'unknown_task' } });
      }
    }
    expect(last().context.signal.aborted).toBe(false);
  });

  it('asks nobody without the extension about tasks', async () => {
    for (const method of ['tasks/get', 'tasks/cancel', 'tasks/update']) {
      expect((await ask(method, { taskId: 'x' }, {})).error).toMatchObject({ code: -32021 });
    }
    const taskId = await start('compute');
    for (const inputResponses of [undefined, [], 'x']) {
      expect((await ask('tasks/update', { taskId, inputResponses })).error).toMatchObject({
        data: { kind: 'invalid_params' },
      });
    }
  });

  it('SEP-2663 asks the client by its status, and takes answers that fit', async () => {
    const { result } = await ask('tools/call', { name: 'asks' });
    const taskId = result?.['taskId'] as string;
    expect(result).not.toHaveProperty('inputRequests');
    await settled();
    const question = { method: 'elicitation/create', params: FORM };
    expect(await get(taskId)).toMatchObject({
      status: 'input_required',
      inputRequests: { one: question, other: question },
    });
    const update = (inputResponses: object): Promise<Answer> => ask('tasks/update', { taskId, inputResponses });
    await update({ one: { action: 'maybe' }, gone: { action: 'accept' }, other: 'x' });
    expect(Object.keys((await get(taskId))['inputRequests'] as object)).toEqual(['one', 'other']);
    await update({ one: { action: 'decline' } });
    expect(Object.keys((await get(taskId))['inputRequests'] as object)).toEqual(['other']);
    await update({ one: { action: 'cancel' }, other: { action: 'cancel' } });
    await settled();
    expect(await get(taskId)).toMatchObject({ status: 'completed', result: { content: [{ text: 'decline cancel' }] } });
    expect(await get(taskId)).not.toHaveProperty('inputRequests');
  });

  it('W-19 asks nobody after it was cancelled, and holds no place then', async () => {
    const taskId = await start('asksLate');
    await ask('tasks/cancel', { taskId });
    last().resolve('go on');
    await settled();
    expect(await get(taskId)).toMatchObject({ status: 'cancelled' });
    expect(world.get(ToolRegistry).get('asksLate')?.bulkhead.runningCount).toBe(0);
  });

  it('tells by its words how far it is, and sends nothing on a stream that is gone', async () => {
    const exchange = new TestExchange();
    const { result } = await ask('tools/call', { name: 'compute' }, TASKS, exchange);
    const taskId = result?.['taskId'] as string;
    const { context } = last();
    context.progress(1, 3);
    expect(await get(taskId)).toMatchObject({ statusMessage: '1 of 3' });
    context.progress(2);
    expect(await get(taskId)).toMatchObject({ statusMessage: '2' });
    context.progress(3, 3, 'nearly');
    expect(await get(taskId)).toMatchObject({ statusMessage: 'nearly' });
    context.log('emergency', 'x');
    context.notify('notifications/mine');
    expect(exchange.sent).toEqual([]);
  });

  it('does a thing once', async () => {
    await start('compute');
    const work = jest.fn(() => 1);
    const { context } = last();
    expect(await Promise.all([context.once('a', work), context.once('a', work)])).toEqual([1, 1]);
    expect(work).toHaveBeenCalledTimes(1);
  });

  it('an end is found after the process that reached it', async () => {
    const done = await start('compute');
    last().resolve('42');
    await settled();
    const cut = await start('compute');
    await settled();
    const running = (world.get(Tasks) as unknown as { running: Map<string, unknown> }).running;
    running.clear();
    expect(await get(done)).toMatchObject({ status: 'completed', result: { content: [{ text: '42' }] } });
    expect(await get(cut)).toMatchObject({
      status: 'failed',
      error: { code: -32603, message: 'The server ended while the task was running' },
    });
  });

  it('ends with the process, which keeps how', async () => {
    const exchange = new TestExchange();
    const { result } = await ask('tools/call', { name: 'compute' }, TASKS, exchange);
    const { signal } = last().context;
    await world.close();
    expect([signal.aborted, world.get(Tasks).runningCount]).toEqual([true, 0]);
    const [kept] = await recordsIn(world.get(DurableStore), 'tasks');
    expect(kept?.value).toMatchObject({
      view: { taskId: result?.['taskId'], status: 'failed', error: { data: { kind: 'shutting_down' } } },
    });
    last().resolve('too late');
    await settled();
    expect(await recordsIn(world.get(DurableStore), 'tasks')).toEqual([kept]);
    world = await DispatchWorld.open({ providers: [Slow] });
  });

  it('is no task that could not be kept', async () => {
    const put = jest.spyOn(world.get(DurableStore), 'put').mockRejectedValue(new Error('no disk'));
    expect((await ask('tools/call', { name: 'compute' })).error).toMatchObject({
      code: -32603,
      data: { kind: 'internal' },
    });
    expect(world.get(Tasks).runningCount).toBe(0);
    put.mockRestore();
  });

  it('goes on where a later change could not be kept', async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue(undefined);
    const taskId = await start('compute');
    const put = jest.spyOn(world.get(DurableStore), 'put').mockRejectedValue(new Error('no disk'));
    last().resolve('42');
    await settled();
    expect(error).toHaveBeenCalledWith('A task could not be kept', expect.stringContaining('no disk'));
    put.mockRestore();
    expect(await get(taskId)).toMatchObject({ status: 'failed' });
  });
});

describe('TaskRun', () => {
  it('tells of each change, and whether it is one of its status', () => {
    const changes: boolean[] = [];
    const terms = { taskId: 't', createdAt: 0, ttlMs: 1, pollIntervalMs: 1 };
    const run = new TaskRun(
      terms,
      callScope(),
      () => 7,
      (isOfStatus) => changes.push(isOfStatus),
    );
    run.say('so far');
    run.finish({ status: 'cancelled' });
    expect([changes, run.status]).toEqual([[false, true], 'cancelled']);
    expect(run.view()).toMatchObject({ statusMessage: 'so far', lastUpdatedAt: '1970-01-01T00:00:00.007Z' });
  });
});
