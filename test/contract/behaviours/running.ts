import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import type { Message } from '../../support/messages.js';
import type { TestClient } from '../../support/test-client.js';
import { until } from '../../support/waiting.js';
import { type ClientBehaviour, legacy, modern, refusalOf, textOf } from './behaviour.js';

export const RUNNING: readonly ClientBehaviour[] = [
  {
    name: 'progress comes in order, under the token of its request, and never goes back',
    spec: 'basic/utilities/progress',
    run: async ({ client }) => {
      const from = client.wire.length;
      const onprogress = (): void => undefined;
      const [one, two] = await Promise.all([
        client.callTool('count', { mark: 'one' }, { onprogress }),
        client.callTool('count', { mark: 'two' }, { onprogress }),
      ]);
      expect([textOf(one), textOf(two)]).toEqual(['counted one', 'counted two']);
      // As it came: a client loses what it reads together with the answer.
      const told = progressOf(client.wire.slice(from));
      expect(told.size).toBe(2);
      expect([...told.values()]).toEqual([
        [1, 3, 4],
        [1, 3, 4],
      ]);
    },
  },
  {
    name: 'nobody who did not ask for progress gets any',
    spec: 'basic/utilities/progress',
    run: async ({ client }) => {
      const from = client.wire.length;
      expect(textOf(await client.callTool('count', { mark: 'quiet' }))).toBe('counted quiet');
      expect(progressOf(client.wire.slice(from)).size).toBe(0);
    },
  },
  {
    name: 'S3-7 cancelling reaches the tool, and no answer follows',
    spec: 'basic/utilities/cancellation',
    run: async ({ client, revision }) => {
      const mark = randomUUID();
      const from = client.wire.length;
      const cancelling = new AbortController();
      const call = client.callTool(
        'wait_for_abort',
        { mark },
        { signal: cancelling.signal, onprogress: () => cancelling.abort('changed my mind') },
      );
      // The early SDK rejects with the reason as it was given, which is no Error.
      await expect(call.catch(String)).resolves.toMatch(/changed my mind/);
      // Where a closed stream cancels, the reason has no way to the server.
      const isByStream = revision === '2026-07-28' && client.door === 'http';
      expect(textOf(await client.callTool('abort_of', { mark }))).toMatch(
        isByStream ? /^Cancelled: the client closed the stream/ : /^Cancelled: .*changed my mind/,
      );
      await client.callTool('echo', { message: 'after it' });
      expect(JSON.stringify(client.wire.slice(from))).not.toContain('an answer that nobody waits for');
      // Two answers: of the question what became of the call, and of the echo.
      expect(client.wire.slice(from).filter(({ method }) => method === undefined)).toHaveLength(2);
    },
  },
  {
    name: 'W-39 of more than 32 requests of a session at once, the last is refused',
    spec: 'W-39',
    isOfProcess: true,
    // Over HTTP a request of 2026-07-28 is alone: there is nothing that it would be counted with.
    where: (cell) => legacy(cell) || cell.door !== 'http',
    run: async ({ client, revision }) => {
      const mark = randomUUID();
      const cancelling = new AbortController();
      let running = 0;
      const options = { signal: cancelling.signal, onprogress: () => void running++ };
      const calls = Array.from({ length: 32 }, () => client.callTool('wait_for_abort', { mark }, options));
      await until(() => running === 32, 'the calls to run');
      const refusal = await refusalOf(client, client.callTool('echo', { message: 'too many' }));
      expect(refusal).toMatchObject({
        code: revision < '2026-07-28' ? -32000 : 50300,
        data: { kind: 'server_busy' },
      });
      cancelling.abort();
      await Promise.allSettled(calls);
      const served = await until(
        () => client.callTool('echo', { message: 'again' }).catch(() => undefined),
        'the calls to end',
      );
      expect(textOf(served)).toBe('Echo: again');
    },
  },
  {
    name: 'a tool that goes on after its answer is not heard any more, and harms nobody',
    spec: 'basic/utilities/progress, Behavior Requirements',
    run: async ({ client }) => {
      const mark = randomUUID();
      const from = client.wire.length;
      const result = await client.callTool('speak_late', { mark }, { onprogress: () => undefined });
      expect(textOf(result)).toBe('returned');
      expect(textOf(await client.callTool('start_of', { mark }))).toBe('spoke');
      await client.callTool('echo', { message: 'after it' });
      expect(client.wire.slice(from).filter(({ method }) => method !== undefined)).toEqual([]);
    },
  },
  {
    name: 'log messages come from the level that the client set, and info where it set none',
    spec: 'server/utilities/logging',
    where: legacy,
    run: async ({ another }) => {
      const client = await another();
      expect(await loggedBy(client)).toEqual(SEVERITIES.slice(1));
      for (const [at, level] of SEVERITIES.entries()) {
        await client.setLogLevel(level);
        expect(await loggedBy(client)).toEqual(SEVERITIES.slice(at));
      }
      expect(client.logs.at(-1)).toEqual({ level: 'emergency', logger: 'contract', data: { level: 'emergency' } });
    },
  },
  {
    name: 'the log level of one session is not that of another',
    spec: 'server/utilities/logging; S3-4',
    // On stdio every session has a process of its own.
    where: (cell) => legacy(cell) && cell.door !== 'stdio',
    run: async ({ another }) => {
      const [loud, quiet] = [await another(), await another()];
      await Promise.all([loud.setLogLevel('debug'), quiet.setLogLevel('emergency')]);
      const [heard, silent] = await Promise.all([loggedBy(loud), loggedBy(quiet)]);
      expect(heard).toHaveLength(8);
      expect(silent).toEqual(['emergency']);
    },
  },
  {
    name: 'log messages come from the level that the call itself asks for, and none where it asks for none',
    spec: 'server/utilities/logging, Per-request log level',
    where: modern,
    run: async ({ client }) => {
      expect(await loggedBy(client)).toEqual([]);
      for (const [at, level] of SEVERITIES.entries()) {
        expect(await loggedBy(client, level)).toEqual(SEVERITIES.slice(at));
      }
      const [loud, quiet] = await Promise.all([loggedBy(client, 'debug'), client.callTool('log_all')]);
      expect([loud.length, textOf(quiet)]).toEqual([8, 'logged']);
    },
  },
];

const SEVERITIES = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const;

/** @returns the steps of each progress token, in order */
function progressOf(wire: readonly Message[]): ReadonlyMap<unknown, readonly unknown[]> {
  const told = new Map<unknown, unknown[]>();
  for (const { method, params } of wire) {
    if (method !== 'notifications/progress') continue;
    const { progressToken, progress } = params ?? {};
    told.set(progressToken, [...(told.get(progressToken) ?? []), progress]);
  }
  return told;
}

/** @returns the levels of what the client was sent, once the call is answered */
async function loggedBy(client: TestClient, logLevel?: string): Promise<readonly string[]> {
  const from = client.logs.length;
  expect(textOf(await client.callTool('log_all', {}, logLevel === undefined ? {} : { logLevel }))).toBe('logged');
  const logged = client.wire.filter(({ method }) => method === 'notifications/message').length;
  await until(() => client.logs.length === logged, 'the log messages to reach their handler');
  return client.logs.slice(from).map(({ level }) => level);
}
