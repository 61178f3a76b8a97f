import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';
import { type Answer, DispatchWorld, envelope, TestExchange } from '../../test/support/dispatch-world.js';
import { OPERATOR, principalOf } from '../../test/support/tool-world.js';
import type { Principal } from '../auth/index.js';
import { Resource } from '../resources/index.js';
import { Tool } from '../tools/index.js';
import { type Announcement, Announcements, legacyListener, type Listener } from './announcements.js';
import { Catalogue } from './catalogue.js';

@Injectable()
class Everything {
  @Tool()
  common(): void {}

  @Tool({ roles: ['admin'] })
  secret(): void {}

  @Tool({ task: {} })
  slow(): Promise<string> {
    return new Promise(() => undefined);
  }

  @Resource({ uri: 'a://1' })
  one(): string {
    return 'one';
  }

  @Resource({ uri: 'a://secret', roles: ['admin'] })
  hidden(): string {
    return 'psst';
  }
}

let world: DispatchWorld;
let announcements: Announcements;
let catalogue: Catalogue;

beforeEach(async () => {
  for (const level of ['log', 'debug', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
  world = await DispatchWorld.open({ providers: [Everything] });
  announcements = world.get(Announcements);
  catalogue = world.get(Catalogue);
});

afterEach(async () => {
  await world.close();
  jest.restoreAllMocks();
});

async function settled(): Promise<void> {
  for (let i = 0; i < 30; i++) await Promise.resolve();
}

function listen(principal: Principal = OPERATOR): Announcement[] {
  const heard: Announcement[] = [];
  const listener: Listener = { principal, wants: () => true, hear: (announcement) => void heard.push(announcement) };
  announcements.listen(listener);
  return heard;
}

describe('Announcements', () => {
  it('D-13 tell of a change to those who can see what changed', async () => {
    const [operator, admin] = [listen(), listen(principalOf('admin'))];
    catalogue.disableTool('secret');
    await settled();
    expect([operator, admin]).toEqual([[], [{ kind: 'tools' }]]);
    catalogue.disableTool('common');
    await settled();
    expect([operator, admin]).toEqual([[{ kind: 'tools' }], [{ kind: 'tools' }, { kind: 'tools' }]]);
  });

  it('D-13 tell once of changes that come together, and to each by what they can see of them', async () => {
    const [operator, admin] = [listen(), listen(principalOf('admin'))];
    for (const name of ['secret', 'common']) catalogue.disableTool(name);
    for (const name of ['common', 'secret']) catalogue.enableTool(name);
    catalogue.listChanged('prompts');
    await settled();
    expect(operator).toEqual([{ kind: 'tools' }, { kind: 'prompts' }]);
    expect(admin).toEqual(operator);
  });

  it('tell nothing where nothing changed, and nobody who left', async () => {
    const heard: Announcement[] = [];
    const stop = announcements.listen({
      principal: OPERATOR,
      wants: () => true,
      hear: (what) => void heard.push(what),
    });
    catalogue.enableTool('common');
    await settled();
    expect(heard).toEqual([]);
    expect(() => catalogue.disableTool('gone')).toThrow(expect.objectContaining({ kind: 'unknown_tool' }));
    stop();
    expect(announcements.listenerCount).toBe(0);
    catalogue.disableTool('common');
    await settled();
    expect(heard).toEqual([]);
  });

  it('D-13 tell of a resource to those who can see it', () => {
    const [operator, admin] = [listen(), listen(principalOf('admin'))];
    catalogue.resourceUpdated('a://1');
    catalogue.resourceUpdated('a://secret');
    catalogue.resourceUpdated('a://gone');
    expect(operator).toEqual([{ kind: 'updated', uri: 'a://1' }]);
    expect(admin).toEqual([
      { kind: 'updated', uri: 'a://1' },
      { kind: 'updated', uri: 'a://secret' },
    ]);
  });

  it('S0-17 say something to all who take it, and one that cannot be reached keeps no other from it', async () => {
    jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    const [connection, sent] = [await world.connect(), [] as string[]];
    const session = connection.session as NonNullable<typeof connection.session>;
    announcements.listen({
      principal: OPERATOR,
      wants: () => true,
      hear: () => {
        throw new Error('EPIPE');
      },
    });
    announcements.listen(legacyListener(session, OPERATOR, (text) => sent.push(text)));
    announcements.listen({ principal: OPERATOR, wants: () => false, hear: () => sent.push('unwanted') });
    expect(announcements.notice('back at ten')).toBe(1);
    expect(sent).toEqual(['{"jsonrpc":"2.0","method":"server_notification","params":{"message":"back at ten"}}']);
  });

  it('tell whoever wants to know that there is no more to come', () => {
    const end = jest.fn();
    announcements.listen({ principal: OPERATOR, wants: () => true, hear: () => undefined, end });
    listen();
    announcements.endAll();
    expect(end).toHaveBeenCalledTimes(1);
  });

  it('reach a session of 2025 as notifications, of resources only what it subscribed to', async () => {
    const exchange = await world.connect();
    const sent: Answer[] = [];
    if (!exchange.session) throw new Error('There is no session');
    announcements.listen(
      legacyListener(exchange.session, OPERATOR, (text) => void sent.push(JSON.parse(text) as Answer)),
    );
    catalogue.resourceUpdated('a://1');
    await world.ask('resources/subscribe', { uri: 'a://1' }, exchange);
    catalogue.resourceUpdated('a://1');
    catalogue.disableTool('common');
    catalogue.listChanged('resources');
    announcements.taskChanged('t', {});
    await settled();
    expect(sent).toEqual([
      { jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri: 'a://1' } },
      { jsonrpc: '2.0', method: 'notifications/tools/list_changed' },
      { jsonrpc: '2.0', method: 'notifications/resources/list_changed' },
    ]);
  });
});

describe('subscriptions/listen', () => {
  const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } };
  const tag = { 'io.modelcontextprotocol/subscriptionId': 'sub' };

  function subscribe(notifications: unknown, capabilities: Record<string, unknown> = {}) {
    const exchange = new TestExchange();
    const params = { notifications, _meta: envelope(capabilities) };
    const answered = world.send({ id: 'sub', method: 'subscriptions/listen', params }, exchange);
    return { exchange, answered };
  }

  it('acknowledges what it will tell, and tells that', async () => {
    const asked = { toolsListChanged: true, promptsListChanged: false, resourceSubscriptions: ['a://1'], more: 1 };
    const { exchange } = subscribe(asked);
    await settled();
    catalogue.disableTool('common');
    catalogue.listChanged('prompts');
    catalogue.resourceUpdated('a://1');
    catalogue.resourceUpdated('a://2');
    await settled();
    expect(exchange.sent.map(({ method, params }) => [method, params])).toEqual([
      [
        'notifications/subscriptions/acknowledged',
        { _meta: tag, notifications: { toolsListChanged: true, resourceSubscriptions: ['a://1'] } },
      ],
      ['notifications/resources/updated', { _meta: tag, uri: 'a://1' }],
      ['notifications/tools/list_changed', { _meta: tag }],
    ]);
  });

  it('goes on until the client leaves', async () => {
    const { exchange, answered } = subscribe({ toolsListChanged: true });
    await settled();
    expect([announcements.listenerCount, exchange.calls.runningCount]).toEqual([1, 1]);
    exchange.calls.cancelAll('the client left');
    expect(await answered).toBeUndefined();
    expect([announcements.listenerCount, exchange.calls.runningCount]).toEqual([0, 0]);
  });

  it('is answered when the server ends', async () => {
    const { answered } = subscribe({ toolsListChanged: true });
    await settled();
    announcements.endAll();
    expect((await answered)?.result).toMatchObject({ resultType: 'complete', _meta: tag });
    expect(announcements.listenerCount).toBe(0);
  });

  it('tells of tasks to their owner', async () => {
    const params = { name: 'slow', _meta: envelope(TASKS) };
    const { result } = await world.ask('tools/call', params, new TestExchange());
    const taskId = result?.['taskId'] as string;
    const { exchange } = subscribe({ taskIds: [taskId, 'gone'] }, TASKS);
    await settled();
    expect(exchange.sent[0]?.params?.['notifications']).toEqual({ taskIds: [taskId] });
    await world.ask('tasks/cancel', { taskId, _meta: envelope(TASKS) }, new TestExchange());
    await settled();
    expect(exchange.sent.at(-1)).toMatchObject({
      method: 'notifications/tasks',
      params: { _meta: tag, taskId, status: 'cancelled' },
    });
    expect((await subscribe({ taskIds: [taskId] }).answered)?.error).toMatchObject({
      data: { kind: 'missing_capability' },
    });
  });

  it.each([
    [undefined, 'notifications must be an object'],
    [[], 'notifications must be an object'],
    [{ resourceSubscriptions: 'a://1' }, 'resourceSubscriptions must be an array of at most 256 strings'],
    [{ resourceSubscriptions: [1] }, 'resourceSubscriptions must be an array of at most 256 strings'],
    [{ taskIds: Array.from({ length: 257 }, String) }, 'taskIds must be an array of at most 256 strings'],
  ])('refuses %j', async (notifications, why) => {
    const { answered } = subscribe(notifications, TASKS);
    expect((await answered)?.error).toMatchObject({
      message: `Invalid params: ${why}`,
      data: { kind: 'invalid_params' },
    });
    expect(announcements.listenerCount).toBe(0);
  });
});
