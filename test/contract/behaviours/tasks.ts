import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import type { Json, Message } from '../../support/messages.js';
import { modernError, modernRequest, modernResult, type RawModern } from '../../support/raw-modern.js';
import { until } from '../../support/waiting.js';
import { kindOf, textOf } from './behaviour.js';
import type { ModernBehaviour } from './stateless.js';

const TASKS = { 'io.modelcontextprotocol/tasks': {} };
const envelope = { capabilities: { extensions: TASKS, elicitation: {} } };

/** Calls a tool that lasts. @returns the task */
async function begin(client: RawModern, name: string, args: Json = {}): Promise<Json & { readonly taskId: string }> {
  const task = await modernResult(client, 'tools/call', { name, arguments: args }, envelope);
  expect(task['resultType']).toBe('task');
  return task as Json & { readonly taskId: string };
}

function taskOf(client: RawModern, taskId: string): Promise<Json> {
  return modernResult(client, 'tasks/get', { taskId }, envelope);
}

/** Asks until a task has a status. */
function becomes(client: RawModern, taskId: string, status: string): Promise<Json> {
  return until(async () => {
    const task = await taskOf(client, taskId);
    return task['status'] === status ? task : undefined;
  }, `the task to be ${status}`);
}

const told = ({ method }: Message): boolean => method === 'notifications/tasks';

export const LASTING: readonly ModernBehaviour[] = [
  {
    name: 'a call that lasts is answered by a task, which is asked for until it has the result',
    spec: 'SEP-2663, Task Creation; Task Polling',
    run: async ({ client }) => {
      const mark = randomUUID();
      const task = await begin(client, 'last', { mark });
      expect(task).toMatchObject({ status: 'working', ttlMs: 3_600_000, pollIntervalMs: expect.any(Number) });
      const working = await until(async () => {
        const now = await taskOf(client, task.taskId);
        return now['statusMessage'] === undefined ? undefined : now;
      }, 'the first word of the task');
      expect(working).toMatchObject({ resultType: 'complete', status: 'working', statusMessage: 'half of it' });
      await modernResult(client, 'tools/call', { name: 'end_task', arguments: { mark } });
      const done = await becomes(client, task.taskId, 'completed');
      expect(textOf(done['result'] as Json)).toBe(`lasted until ${mark}`);
      expect(Date.parse(String(done['lastUpdatedAt']))).toBeGreaterThanOrEqual(Date.parse(String(task['createdAt'])));
    },
  },
  {
    name: 'a client that does not know tasks gets the result itself',
    spec: 'SEP-2663, Capability Negotiation',
    run: async ({ client }) => {
      expect(await modernResult(client, 'tools/call', { name: 'last_structured' })).toMatchObject({
        resultType: 'complete',
        structuredContent: { done: true },
      });
    },
  },
  {
    name: 'a tool that is a task or nothing is refused to a client that does not know tasks',
    spec: 'SEP-2663, Capability Negotiation',
    run: async ({ client }) => {
      expect(await modernError(client, 'tools/call', { name: 'last_required' })).toMatchObject({
        code: -32021,
        data: { kind: 'missing_capability', requiredCapabilities: { extensions: TASKS } },
      });
    },
  },
  ...['tasks/get', 'tasks/update', 'tasks/cancel'].map((method) => ({
    name: `${method} is refused to a client that does not know tasks`,
    spec: 'SEP-2663, Capability Negotiation',
    run: async ({ client }: { client: RawModern }) => {
      expect(await modernError(client, method, { taskId: 'any', inputResponses: {} })).toMatchObject({
        code: -32021,
        data: { kind: 'missing_capability' },
      });
    },
  })),
  {
    name: 'a failure of the tool completes its task, a fault of the protocol fails it',
    spec: 'SEP-2663, Task Status',
    run: async ({ client }) => {
      const failing = await begin(client, 'last_failing');
      const { result } = await becomes(client, failing.taskId, 'completed');
      expect(result).toMatchObject({ isError: true, content: [{ type: 'text', text: 'It broke.' }] });
      expect(kindOf(result as Json)).toBe('tool_failed');
      const breaking = await begin(client, 'last_breaking');
      const { error } = await becomes(client, breaking.taskId, 'failed');
      expect(error).toMatchObject({ code: -32603, message: 'Internal error' });
    },
  },
  {
    name: 'a task that needs input shows its questions until each is answered, in as many updates as it takes',
    spec: 'SEP-2663, Task Update Requests',
    run: async ({ client }) => {
      const { taskId } = await begin(client, 'last_asking');
      const asking = await becomes(client, taskId, 'input_required');
      expect(Object.keys(asking['inputRequests'] as Json).sort()).toEqual(['one', 'two']);
      const update = (inputResponses: Json): Promise<Json> =>
        modernResult(client, 'tasks/update', { taskId, inputResponses }, envelope);
      await update({ one: { action: 'decline' }, nobody: { action: 'accept' } });
      const left = await taskOf(client, taskId);
      expect([left['status'], Object.keys(left['inputRequests'] as Json)]).toEqual(['input_required', ['two']]);
      await update({ one: { action: 'accept', content: { yes: true } }, two: { action: 'cancel' } });
      const done = await becomes(client, taskId, 'completed');
      expect(textOf(done['result'] as Json)).toBe('decline and cancel');
    },
  },
  {
    name: 'a task that is cancelled ends, and to cancel it again changes nothing',
    spec: 'SEP-2663, Task Cancellation',
    run: async ({ client }) => {
      const { taskId } = await begin(client, 'last', { mark: randomUUID() });
      await modernResult(client, 'tasks/cancel', { taskId }, envelope);
      await becomes(client, taskId, 'cancelled');
      await modernResult(client, 'tasks/cancel', { taskId }, envelope);
      expect(await taskOf(client, taskId)).toMatchObject({ status: 'cancelled' });
    },
  },
  {
    name: 'a task tells who listens for it of every status, and nobody else',
    spec: 'SEP-2663, Task Status Notifications',
    run: async ({ client }) => {
      const mark = randomUUID();
      const [mine, other] = [
        await begin(client, 'last', { mark }),
        await begin(client, 'last', { mark: randomUUID() }),
      ];
      const frame = modernRequest(
        'subscriptions/listen',
        { notifications: { taskIds: [mine.taskId, 'no such task'] } },
        envelope,
      );
      const ongoing = await client.open(frame);
      const first = await ongoing.message(({ method }) => method !== undefined, 'the acknowledgement');
      expect(first.params?.['notifications']).toEqual({ taskIds: [mine.taskId] });
      await modernResult(client, 'tasks/cancel', { taskId: other.taskId }, envelope);
      await modernResult(client, 'tools/call', { name: 'end_task', arguments: { mark } });
      const isEnd = (message: Message): boolean => told(message) && message.params?.['status'] === 'completed';
      const end = await ongoing.message(isEnd, 'the end of the task');
      expect(textOf(end.params?.['result'] as Json)).toBe(`lasted until ${mark}`);
      const about = new Set(ongoing.messages.filter(told).map(({ params }) => params?.['taskId']));
      expect([...about]).toEqual([mine.taskId]);
      await ongoing.leave();
    },
  },
  {
    name: 'a task that outlived its time is as unknown as one that never was',
    spec: 'SEP-2663, Task Polling',
    run: async ({ client }) => {
      const { taskId } = await begin(client, 'last_briefly');
      const gone = await until(async () => {
        const { answer } = await client.send(modernRequest('tasks/get', { taskId }, envelope));
        return answer.error;
      }, 'the task to be forgotten');
      const never = await modernError(client, 'tasks/get', { taskId: 'never was' }, envelope);
      const { requestId: _one, ...data } = gone.data as Json;
      expect(gone).toMatchObject({ code: -32602, data: { kind: 'unknown_task' } });
      expect({ ...never, data: { ...data, requestId: 'any' } }).toEqual({
        ...gone,
        data: { ...data, requestId: 'any' },
      });
    },
  },
];
