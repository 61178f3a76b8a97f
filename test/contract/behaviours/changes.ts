import { expect } from '@jest/globals';
import type { Message } from '../../support/messages.js';
import type { TestClient } from '../../support/test-client.js';
import { until } from '../../support/waiting.js';
import { type ClientBehaviour, legacy, modern, refusalOf, textOf } from './behaviour.js';

/** The methods of what a client was told of by itself since a point, once the server has answered what came after. */
async function toldSince(client: TestClient, from: number): Promise<readonly string[]> {
  expect(textOf(await client.callTool('echo', { message: 'after it' }))).toBe('Echo: after it');
  return client.wire.slice(from).flatMap(({ method }) => (method === undefined ? [] : [method]));
}

/** A client that hears of changes: over HTTP, its stream is open once the first of them has come. */
async function listening(client: TestClient): Promise<TestClient> {
  const from = client.wire.length;
  const heard = (list: string): boolean => countOf(client.wire.slice(from), changed(list)) > 0;
  await until(async () => {
    await client.callTool('change_list', { list: 'prompts' });
    return heard('prompts');
  }, 'the stream of changes');
  // What comes on a stream comes in order: after this, nothing of the above is still on its way.
  await client.callTool('change_list', { list: 'resources' });
  await until(() => heard('resources'), 'the last of the changes');
  return client;
}

const changed = (list: string): string => `notifications/${list}/list_changed`;
const countOf = (wire: readonly Message[], wanted: string): number =>
  wire.filter(({ method }) => method === wanted).length;

export const CHANGES: readonly ClientBehaviour[] = [
  ...(['tools', 'prompts', 'resources'] as const).map((list) => ({
    name: `the ${list} changed, and the client is told, once for changes that come together`,
    spec: 'server/tools, List Changed Notification; server/prompts; server/resources',
    where: legacy,
    run: async ({ client }: { client: TestClient }) => {
      await listening(client);
      const from = client.wire.length;
      expect(textOf(await client.callTool('change_list', { list }))).toBe(`changed ${list}`);
      await until(() => countOf(client.wire.slice(from), changed(list)) > 0, 'the news of the change');
      expect(await toldSince(client, from)).toEqual([changed(list)]);
    },
  })),
  {
    name: 'a resource that is subscribed to is told of when it changes, and no other is, and no more when it is not',
    spec: 'server/resources, Subscriptions',
    where: legacy,
    run: async ({ client }) => {
      await listening(client);
      expect(await client.subscribe('contract://plain')).toEqual({});
      const from = client.wire.length;
      await client.callTool('change_resource', { uri: 'contract://object' });
      await client.callTool('change_resource', { uri: 'contract://plain' });
      const news = 'notifications/resources/updated';
      await until(() => countOf(client.wire.slice(from), news) > 0, 'the news of the resource');
      const told = client.wire.slice(from).filter(({ method }) => method === news);
      expect(told.map(({ params }) => params)).toEqual([{ uri: 'contract://plain' }]);
      expect(await client.unsubscribe('contract://plain')).toEqual({});
      await client.callTool('change_resource', { uri: 'contract://plain' });
      expect(countOf(client.wire.slice(from), news)).toBe(1);
    },
  },
  {
    name: 'what does not exist cannot be subscribed to',
    spec: 'server/resources, Subscriptions; Error Handling',
    where: legacy,
    run: async ({ client }) => {
      expect(await refusalOf(client, client.subscribe('contract://nothing'))).toMatchObject({
        code: -32002,
        data: { kind: 'resource_not_found', uri: 'contract://nothing' },
      });
    },
  },
  {
    name: 'a subscription is acknowledged, brings what was asked for and nothing else, and ends when it is left',
    spec: 'basic/patterns/subscriptions',
    where: modern,
    run: async ({ client }) => {
      const leave = await client.listen({ toolsListChanged: true, resourceSubscriptions: ['contract://plain'] });
      const from = client.wire.length;
      await client.callTool('change_list', { list: 'prompts' });
      await client.callTool('change_list', { list: 'tools' });
      await client.callTool('change_resource', { uri: 'contract://object' });
      await client.callTool('change_resource', { uri: 'contract://plain' });
      await until(
        () => countOf(client.wire.slice(from), 'notifications/resources/updated') > 0,
        'the news of the resource',
      );
      expect(await toldSince(client, from)).toEqual([changed('tools'), 'notifications/resources/updated']);
      await leave();
      const after = client.wire.length;
      await client.callTool('change_list', { list: 'tools' });
      expect(await toldSince(client, after)).toEqual([]);
    },
  },
  {
    name: 'nobody who did not ask for changes hears of any',
    spec: 'basic/patterns/subscriptions, Opening a Stream',
    where: modern,
    run: async ({ client }) => {
      const from = client.wire.length;
      for (const list of ['tools', 'prompts', 'resources']) await client.callTool('change_list', { list });
      expect(await toldSince(client, from)).toEqual([]);
    },
  },
];
