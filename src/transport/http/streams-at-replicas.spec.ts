import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createServer } from 'node:http';
import { Injectable, Logger } from '@nestjs/common';
import { eventually } from '../../../test/support/connection-world.js';
import { DispatchWorld } from '../../../test/support/dispatch-world.js';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { type Coming, MemoryHttp } from '../../../test/support/memory-http.js';
import { SharedWorld } from '../../../test/support/shared-world.js';
import { Announcements } from '../../dispatch/index.js';
import { Tool, ToolRegistry, type ToolContext } from '../../tools/index.js';
import { TransportModule } from '../transport.module.js';
import { FollowedStreams } from './followed-streams.js';
import { HttpLane } from './http-lane.js';
import { OpenExchanges } from './open-exchanges.js';

@Injectable()
class Tools {
  readonly calls: { context: ToolContext; end: (text: string) => void }[] = [];

  @Tool()
  wait(_args: unknown, context: ToolContext): Promise<string> {
    context.progress(1);
    return new Promise((end) => this.calls.push({ context, end }));
  }
}

interface Member {
  readonly world: DispatchWorld;
  readonly http: MemoryHttp;
  readonly tools: Tools;
}

const initialize = (protocolVersion: string): object => ({
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion, capabilities: {}, clientInfo: { name: 'spec', version: '1' } },
});
const WAIT = {
  jsonrpc: '2.0',
  id: 'w',
  method: 'tools/call',
  params: { name: 'wait', arguments: {}, _meta: { progressToken: 1 } },
};

let clock: FakeClock;
let shared: SharedWorld;
let members: Member[];
let opened: Coming[];

async function member(): Promise<Member> {
  const replica = await shared.replica();
  const world = await DispatchWorld.open({ providers: [Tools], imports: [TransportModule], replica, clock });
  const server = createServer();
  world.get(HttpLane).attach(server);
  const one = { world, http: new MemoryHttp(server), tools: world.get(Tools) };
  members.push(one);
  return one;
}

async function connect({ http }: Member, revision = '2025-11-25'): Promise<Record<string, string>> {
  const { headers } = await http.ask({ body: initialize(revision) });
  return { 'mcp-session-id': String(headers['mcp-session-id']) };
}

async function get({ http }: Member, headers: Record<string, string>): Promise<Coming> {
  const coming = await http.open({ method: 'GET', headers: { accept: 'text/event-stream', ...headers } });
  opened.push(coming);
  return coming;
}

async function call(at: Member, headers: Record<string, string>): Promise<Coming> {
  const coming = await at.http.open({ headers, body: WAIT });
  opened.push(coming);
  await eventually(() => coming.text().includes('notifications/progress'), 'progress');
  return coming;
}

const lastId = ({ text }: Coming): string => [...text().matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? '';
const has = (coming: Coming, part: string): Promise<void> =>
  eventually(() => coming.text().includes(part), `${part} in ${coming.text()}`);
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
};

let a: Member;
let b: Member;

beforeEach(async () => {
  for (const level of ['log', 'debug', 'warn', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
  [clock, members, opened] = [new FakeClock(), [], []];
  shared = new SharedWorld(clock);
  a = await member();
  b = await member();
});

afterEach(async () => {
  for (const { leave } of opened) leave();
  for (const { tools } of members) for (const { end } of tools.calls) end('at last');
  for (const { world } of members) await world.close();
  jest.restoreAllMocks();
});

describe('the stream of a POST', () => {
  it('goes on at another replica, with what was missed and the answer', async () => {
    const session = await connect(a);
    const first = await call(a, session);
    const seen = lastId(first);
    first.leave();
    a.tools.calls[0]?.context.progress(2);
    const second = await get(b, { ...session, 'last-event-id': seen });
    await has(second, '"progress":2');
    expect(second.text()).not.toContain('"progress":1');
    a.tools.calls[0]?.context.progress(3);
    await has(second, '"progress":3');
    a.tools.calls[0]?.end('all done');
    await second.ended;
    expect(second.text()).toContain('all done');
    expect(b.world.get(FollowedStreams).count).toBe(0);
  });

  it('ends at the replica that it was at, and goes back there', async () => {
    const session = await connect(a);
    const first = await call(a, session);
    const second = await get(b, { ...session, 'last-event-id': lastId(first) });
    await first.ended;
    const third = await get(a, { ...session, 'last-event-id': lastId(first) });
    await second.ended;
    a.tools.calls[0]?.end('all done');
    await third.ended;
    expect(third.text()).toContain('all done');
    expect(second.text()).not.toContain('all done');
  });

  it('D-3 is waited for while its client is at another replica, and for so long after it left that too', async () => {
    const session = await connect(a);
    const first = await call(a, session);
    const second = await get(b, { ...session, 'last-event-id': lastId(first) });
    await first.ended;
    const { signal } = (a.tools.calls[0] as Tools['calls'][number]).context;
    const pass = async (): Promise<void> => {
      clock.advance(10_000);
      await shared.beat();
      await b.world.get(FollowedStreams).sweep();
      a.world.get(OpenExchanges).sweep();
    };
    for (let passed = 0; passed < 600_000; passed += 10_000) await pass();
    expect(signal.aborted).toBe(false);
    second.leave();
    await eventually(() => b.world.get(FollowedStreams).count === 0);
    for (let passed = 0; passed < 290_000; passed += 10_000) await pass();
    expect(signal.aborted).toBe(false);
    await pass();
    await pass();
    expect(signal.aborted).toBe(true);
  });

  it('tells that a call is lost whose replica is gone', async () => {
    const session = await connect(a);
    const first = await call(a, session);
    const second = await get(b, { ...session, 'last-event-id': lastId(first) });
    await has(second, '');
    await turns();
    // The other one shows that it lives, this one does not.
    clock.advance(8_000);
    await b.world.get(FollowedStreams).sweep();
    await second.ended;
    expect(second.text()).toContain('"kind":"outcome_unknown"');
    expect(second.text()).toContain('"id":"w"');
    // Whoever asks once more gets the same.
    const third = await get(b, { ...session, 'last-event-id': lastId(first) });
    await third.ended;
    expect(third.text()).toContain('"kind":"outcome_unknown"');
  });

  it('is nothing to a session that it is not of', async () => {
    const first = await call(a, await connect(a));
    const stranger = await get(b, { ...(await connect(b)), 'last-event-id': lastId(first) });
    a.tools.calls[0]?.end('all done');
    await turns();
    expect(stranger.text()).not.toContain('all done');
  });
});

describe('the stream of a GET', () => {
  const changes = ({ text }: Coming): number => text().split('notifications/tools/list_changed').length - 1;
  const change = async (): Promise<void> => {
    for (const { world } of members) world.get(Announcements).listChanged(world.get(ToolRegistry).get('wait')!.target);
    await turns();
  };

  it('D-6 goes on at another replica with what was missed, and nothing twice', async () => {
    const session = await connect(a);
    const first = await get(a, session);
    await change();
    const seen = lastId(first);
    first.leave();
    await turns();
    await change();
    const second = await get(b, { ...session, 'last-event-id': seen });
    await has(second, 'list_changed');
    await change();
    expect([changes(first), changes(second)]).toEqual([1, 2]);
    second.leave();
    await turns();
    await change();
    // And back, where it began.
    const third = await get(a, { ...session, 'last-event-id': lastId(second) });
    await has(third, 'list_changed');
    await change();
    expect(changes(third)).toBe(2);
  });

  it('alone is told of what concerns its session: the newest, at whichever replica', async () => {
    const session = await connect(a);
    const [first, second] = [await get(a, session), await get(b, session)];
    await turns();
    await change();
    expect([changes(first), changes(second)]).toEqual([0, 1]);
    second.leave();
    await turns();
    await change();
    expect(changes(first)).toBe(1);
  });

  it('is heard again where the replica with the newer one is gone', async () => {
    const session = await connect(a);
    const first = await get(a, session);
    await get(b, session);
    await turns();
    clock.advance(8_000);
    a.world.get(OpenExchanges).sweep();
    await turns();
    await change();
    expect(changes(first)).toBe(1);
  });

  it('is a new one where what the client names is not known, or cannot be looked for', async () => {
    const session = await connect(a);
    for (const state of ['up', 'down'] as const) {
      shared.become(state);
      const stream = await get(b, { ...session, 'last-event-id': `${'0'.repeat(10)}gAAAAAAAAAAAA-3` });
      await has(stream, 'id: ');
      await change();
      expect(changes(stream)).toBe(1);
      stream.leave();
      await turns();
    }
  });
});

it('DELETE at one replica ends the session and its streams at all', async () => {
  const session = await connect(a);
  const first = await get(a, session);
  const second = await get(b, session);
  expect((await b.http.ask({ method: 'DELETE', headers: session })).status).toBe(204);
  await Promise.all([first.ended, second.ended]);
  for (const { http } of [a, b]) expect((await http.ask({ headers: session, body: WAIT })).status).toBe(404);
});
