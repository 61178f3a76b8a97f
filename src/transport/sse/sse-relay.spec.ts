import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createServer } from 'node:http';
import { Logger } from '@nestjs/common';
import { eventually, TokenAuthenticator } from '../../../test/support/connection-world.js';
import { DispatchWorld } from '../../../test/support/dispatch-world.js';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { type Answered, type Coming, MemoryHttp } from '../../../test/support/memory-http.js';
import { SharedWorld } from '../../../test/support/shared-world.js';
import { principalOf } from '../../../test/support/tool-world.js';
import { HttpLane } from '../http/http-lane.js';
import { TransportModule } from '../transport.module.js';
import { SseRelay } from './sse-relay.js';

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'spec', version: '1' } },
};

interface Member {
  readonly world: DispatchWorld;
  readonly http: MemoryHttp;
}

let clock: FakeClock;
let shared: SharedWorld;
let members: Member[];
let opened: Coming[];
let a: Member;
let b: Member;

async function member(): Promise<Member> {
  const authenticator = new TokenAuthenticator({ a: principalOf(), b: { ...principalOf(), subject: 'somebody else' } });
  const replica = await shared.replica();
  const world = await DispatchWorld.open({ imports: [TransportModule], authenticator, replica, clock });
  const server = createServer();
  world.get(HttpLane).attach(server);
  const one = { world, http: new MemoryHttp(server) };
  members.push(one);
  return one;
}

/** A stream, and where to post. */
async function stream({ http }: Member): Promise<{ stream: Coming; path: string }> {
  const headers = { accept: 'text/event-stream', authorization: 'Bearer a' };
  const coming = await http.open({ method: 'GET', path: '/sse', headers });
  opened.push(coming);
  await eventually(() => coming.text().includes('\n\n'));
  return { stream: coming, path: /^data: (\S+)$/m.exec(coming.text())?.[1] ?? '' };
}

const post = ({ http }: Member, path: string, body: unknown, token = 'a'): Promise<Answered> =>
  http.ask({ path, body, headers: { authorization: `Bearer ${token}` } });

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
  for (const { world } of members) await world.close();
  jest.restoreAllMocks();
});

describe('a POST to another replica than its stream is at', () => {
  it('W-17 is answered on the stream, for its principal alone', async () => {
    const { stream: coming, path } = await stream(a);
    expect(await post(b, path, INITIALIZE)).toMatchObject({ status: 202, text: 'Message queued for SSE delivery' });
    await eventually(() => coming.text().includes('"protocolVersion":"2024-11-05"'));
    expect((await post(a, path, PING)).status).toBe(202);
    await eventually(() => coming.text().includes('"id":1'));
    expect((await post(b, path, PING, 'b')).status).toBe(404);
    expect(a.world.security.events.at(-1)?.event).toBe('session_hijack_attempt');
  });

  it('is refused for what is wrong with it before it is handed on', async () => {
    const { path } = await stream(a);
    const publish = jest.spyOn(shared.bus, 'publish');
    expect((await post(b, path, '{')).status).toBe(400);
    expect(publish).not.toHaveBeenCalled();
  });

  it('names a stream that is not there: gone, never there, of a replica that is no more', async () => {
    const { stream: coming, path } = await stream(a);
    expect((await post(b, path.replace(/.{4}$/, 'ffff'), PING)).status).toBe(404);
    expect((await post(b, path.replace(/sessionId=.{10}/, `sessionId=${'0'.repeat(10)}`), PING)).status).toBe(404);
    coming.leave();
    await eventually(() => coming.res.destroyed);
    for (let i = 0; i < 10; i++) await new Promise(setImmediate);
    expect((await post(b, path, PING)).status).toBe(404);
    clock.advance(8_000);
    expect((await post(b, path, PING)).status).toBe(404);
  });

  it('D-23 is told to come again where that replica cannot be asked, or does not answer', async () => {
    const { path } = await stream(a);
    jest.spyOn(shared.bus, 'publish').mockReturnValue(undefined);
    const asked = post(b, path, PING);
    for (let i = 0; i < 50; i++) await new Promise(setImmediate);
    clock.advance(5_000);
    b.world.get(SseRelay).sweep();
    expect((await asked).status).toBe(503);
    shared.become('down');
    expect((await post(b, path, PING)).status).toBe(503);
  });
});
