import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EventEmitter } from 'node:events';
import { Injectable, Logger } from '@nestjs/common';
import { eventually, FakeWire, TokenAuthenticator } from '../../../test/support/connection-world.js';
import { DispatchWorld, envelope } from '../../../test/support/dispatch-world.js';
import { OPERATOR } from '../../../test/support/tool-world.js';
import { ProtocolError } from '../../common/index.js';
import type { ConfigOverrides } from '../../config/index.js';
import { decode } from '../../protocol/index.js';
import { Resource } from '../../resources/index.js';
import { Tool, type ToolContext } from '../../tools/index.js';
import { Conversations } from '../duplex/conversations.js';
import type { DuplexConnection } from '../duplex/duplex-connection.js';
import { TransportModule } from '../transport.module.js';
import { ConnectionAdmission, type ConnectionDoor, isRefusal } from './connection-admission.js';
import { Connections } from './connections.js';
import { ENDING } from './ending.js';
import { HeldDoor } from './held-door.js';

@Injectable()
class Features {
  readonly ends: (() => void)[] = [];

  @Tool()
  wait(_args: unknown, _context: ToolContext): Promise<string> {
    return new Promise((resolve) => this.ends.push(() => resolve('done')));
  }

  @Resource({ uri: 'a://1' })
  one(): string {
    return 'one';
  }
}

const message = (id: unknown, method: string, params: object = {}): object => ({ jsonrpc: '2.0', id, method, params });
const INITIALIZE = message(0, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'spec', version: '1' },
});

let world: DispatchWorld;
let connections: Connections;
let logged: string[];

beforeEach(() => {
  logged = [];
  for (const level of ['log', 'debug', 'warn', 'error'] as const) {
    jest.spyOn(Logger.prototype, level).mockImplementation((text) => void logged.push(String(text)));
  }
});

afterEach(async () => {
  for (const connection of connections) connection.left();
  await world.close();
  jest.restoreAllMocks();
});

async function open(settings: ConfigOverrides = {}, authenticator?: TokenAuthenticator): Promise<void> {
  world = await DispatchWorld.open({
    settings,
    providers: [Features],
    imports: [TransportModule],
    ...(authenticator && { authenticator }),
  });
  connections = world.get(Connections);
}

async function connect(
  door: ConnectionDoor = 'websocket',
  wire = new FakeWire(),
  isKnown = true,
): Promise<DuplexConnection> {
  const place = await world.get(ConnectionAdmission).admit(door, '10.0.0.1');
  if (isRefusal(place)) throw new Error(place.kind);
  const parts = { door, wire, place, peer: { address: '10.0.0.1', port: 1 }, takesAuthenticate: true } as const;
  return world.get(Conversations).open(parts, isKnown ? OPERATOR : undefined);
}
const wireOf = ({ wire }: DuplexConnection): FakeWire => wire as FakeWire;
const endsOf = (connection: DuplexConnection): FakeWire['ends'] => wireOf(connection).ends;
async function ask(connection: DuplexConnection, ...messages: object[]): Promise<void> {
  const { length } = wireOf(connection).sent;
  for (const each of messages) connection.receive(decode(JSON.stringify(each)));
  await eventually(() => wireOf(connection).sent.length >= length + messages.length, 'an answer to each');
}
/** Lets time pass as the sweep of the server sees it: once a second. */
function pass(ms: number): void {
  for (let passed = 0; passed < ms; passed += 1_000) {
    world.clock.advance(1_000);
    connections.sweep();
  }
}

describe('idle connections', () => {
  it.each([
    ['websocket', 'wsIdleTimeoutMs'],
    ['tcp', 'tcpIdleTimeoutMs'],
  ] as const)(
    'S2-19 D-24 a %s closes with 1001 when no message went either way for its time',
    async (door, setting) => {
      await open({ limits: { [setting]: 60_000 } });
      const [idle, active] = [await connect(door), await connect(door)];
      for (let i = 0; i < 4; i++) {
        pass(20_000);
        await ask(active, message(i, 'ping'));
      }
      pass(30_000);
      expect([endsOf(idle)[0], endsOf(active)]).toEqual([{ code: 1001, reason: 'Connection timeout' }, []]);
      const { event, details } = world.security.events.find(({ event: name }) => name === 'connection_timeout') ?? {};
      expect([event, details?.['transport'], details?.['clientId']]).toEqual(['connection_timeout', door, idle.id]);
      expect(details?.['idleMs']).toBeGreaterThanOrEqual(60_000);
      expect(details?.['idleMs']).toBeLessThan(91_000);
    },
  );

  it('W-10 D-24 are those alone for whom nothing runs, and who wait for nothing', async () => {
    await open({ limits: { wsIdleTimeoutMs: 30_000 } });
    const [calling, modern, subscribed, told, quiet] = (await Promise.all([1, 2, 3, 4, 5].map(() => connect()))) as [
      DuplexConnection,
      DuplexConnection,
      DuplexConnection,
      DuplexConnection,
      DuplexConnection,
    ];
    for (const connection of [calling, subscribed, told]) await ask(connection, INITIALIZE);
    calling.receive(decode(JSON.stringify(message(1, 'tools/call', { name: 'wait', arguments: {} }))));
    await ask(
      modern,
      message(1, 'subscriptions/listen', { notifications: { toolsListChanged: true }, _meta: envelope() }),
    );
    await ask(subscribed, message(1, 'resources/subscribe', { uri: 'a://1' }));
    for (let i = 0; i < 12; i++) {
      pass(10_000);
      connections.notifyAll('hello');
      await Promise.resolve();
      if (i === 3) expect([endsOf(told), endsOf(quiet)[0]]).toEqual([[], ENDING.idle]);
    }
    expect([calling, modern, subscribed, told].map(endsOf)).toEqual([[], [], [], []]);
    world.get(Features).ends[0]?.();
    await eventually(() => calling.isQuiet);
  });

  it('K-15 are left alone where the time is 0, and streams of events always', async () => {
    await open({ limits: { wsIdleTimeoutMs: 0 } });
    const [never, stream] = [await connect('websocket'), await connect('sse')];
    pass(400_000);
    expect([endsOf(never), endsOf(stream)]).toEqual([[], []]);
  });
});

describe('connections that are gone', () => {
  it('S0-31 drops and counts a peer that is known to be gone', async () => {
    await open();
    const [dead, alive] = [await connect(), await connect()];
    wireOf(dead).isAlive = false;
    pass(1_000);
    expect([endsOf(dead), endsOf(alive), connections.deadCount]).toEqual([['destroyed'], [], 1]);
    expect(world.security.events.at(-1)).toMatchObject({
      event: 'websocket_error',
      details: { clientId: dead.id, error: 'No answer to a ping' },
    });
    dead.left();
    expect([connections.count, dead.ended?.ending.code]).toEqual([1, 1006]);
  });

  it('S0-13 cuts off one that reads nothing of what waits for it, and no other', async () => {
    await open();
    const [stuck, slow] = [await connect(), await connect()];
    for (const connection of [stuck, slow]) {
      wireOf(connection).isRead = false;
      for (let i = 0; i < 10; i++) connection.send('x');
    }
    for (let i = 0; i < 10; i++) {
      pass(5_000);
      wireOf(slow).read(1);
    }
    expect([endsOf(stuck)[0], endsOf(slow)]).toEqual(['destroyed', []]);
    expect(stuck.ended?.ending).toEqual(ENDING.unread);
  });

  it('destroys the socket of one that does not answer our goodbye', async () => {
    await open();
    const connection = await connect();
    connection.close(ENDING.sessionEnded);
    pass(1_000);
    expect(endsOf(connection)).toEqual([ENDING.sessionEnded]);
    pass(1_000);
    expect(endsOf(connection)).toEqual([ENDING.sessionEnded, 'destroyed']);
  });

  it('destroys sockets that were refused and do not go, and forgets those that do', async () => {
    await open();
    const sockets = [1, 2].map(() => Object.assign(new EventEmitter(), { destroy: jest.fn() }));
    for (const socket of sockets) connections.linger(socket);
    sockets[1]?.emit('close');
    pass(1_000);
    expect(sockets[0]?.destroy).not.toHaveBeenCalled();
    pass(1_000);
    expect(sockets.map(({ destroy }) => destroy.mock.calls.length)).toEqual([1, 0]);
  });

  it('looks after the others when it cannot look after one', async () => {
    await open({ limits: { wsIdleTimeoutMs: 30_000 } });
    const [broken, idle] = [await connect(), await connect()];
    jest.spyOn(broken, 'noteActivity').mockImplementation(() => {
      throw new Error('a defect');
    });
    pass(60_000);
    expect([endsOf(broken)[0], endsOf(idle)[0]]).toEqual(['destroyed', ENDING.idle]);
  });
});

describe('a client that never says who it is', () => {
  it('W-9 has 10 s, and is told nothing but that', async () => {
    await open({}, new TokenAuthenticator());
    const [silent, late] = [await connect('tcp', new FakeWire(), false), await connect('tcp', new FakeWire(), false)];
    pass(9_000);
    late.receive(decode(JSON.stringify(message(1, 'authenticate', { token: 'good' }))));
    await eventually(() => late.isProven);
    pass(1_000);
    expect([endsOf(silent), wireOf(silent).sent]).toEqual([[{ code: 1008, reason: 'Authentication required' }], []]);
    expect(endsOf(late)).toEqual([]);
    expect(world.security.events.filter(({ event }) => event === 'connection_timeout')).toMatchObject([
      { details: { transport: 'tcp', clientId: silent.id, idleMs: 10_000 } },
    ]);
    // Who never was connected does not leave, either.
    silent.left();
    expect(logged.filter((line) => line.startsWith('Client disconnected'))).toEqual([]);
  });
});

describe('all connections', () => {
  it('S0-15 are told of every 60 s, with how many come near their limit', async () => {
    await open({ rate: { maxMessages: 4 } });
    const [one] = [await connect(), await connect('tcp')];
    pass(59_000);
    expect(logged.filter((line) => line.includes('status:'))).toEqual([]);
    await ask(one, message(1, 'ping'), message(2, 'ping'), message(3, 'ping'));
    pass(1_000);
    const lines = ['Connection status: 2 active clients', 'Rate limit status: 1 clients over 50% of rate limit'];
    expect(logged.filter((line) => line.includes('status:'))).toEqual(lines);
    pass(60_000);
    expect(logged.filter((line) => line.includes('status:')).slice(2)).toEqual([
      'Connection status: 2 active clients',
      'Rate limit status: 0 clients over 50% of rate limit',
    ]);
    expect([connections.countOf('tcp'), connections.countOf('sse')]).toEqual([1, 0]);
  });

  it('S0-17 hear what is said to all, once they have a session', async () => {
    await open();
    const [one, two, three] = [await connect(), await connect('tcp'), await connect()] as [
      DuplexConnection,
      DuplexConnection,
      DuplexConnection,
    ];
    await ask(one, INITIALIZE);
    await ask(two, INITIALIZE);
    expect(connections.notifyAll('maintenance at ten')).toBe(2);
    const notice = {
      jsonrpc: '2.0',
      method: 'server_notification',
      params: { message: 'maintenance at ten' },
    };
    expect([one, two].map((each) => wireOf(each).messages[1])).toEqual([notice, notice]);
    expect(wireOf(three).sent).toEqual([]);
  });

  it('S2-32 are told goodbye when the server ends, those first for whom nothing runs', async () => {
    await open();
    const [busy, quiet] = [await connect(), await connect()] as [DuplexConnection, DuplexConnection];
    await ask(busy, INITIALIZE);
    busy.receive(decode(JSON.stringify(message(1, 'tools/call', { name: 'wait', arguments: {} }))));
    await eventually(() => busy.runningCount === 1);
    const door = new HeldDoor('websocket', connections);
    expect([door.name, door.connectionCount]).toEqual(['websocket', 2]);
    door.stopAccepting();
    await expect(connect()).rejects.toThrow('shutting_down');
    const draining = door.drain();
    expect([endsOf(busy), endsOf(quiet)]).toEqual([[], [{ code: 1001, reason: 'Server shutting down' }]]);
    quiet.left();
    const closing = door.close();
    await draining;
    expect([endsOf(busy), door.connectionCount]).toEqual([[ENDING.shutdown], 1]);
    busy.left();
    await closing;
    expect(door.connectionCount).toBe(0);
  });

  it('S2-32 hear the answers that they wait for, and goodbye then; another door is left alone', async () => {
    await open();
    const [one, other] = [await connect(), await connect('tcp')] as [DuplexConnection, DuplexConnection];
    await ask(one, INITIALIZE);
    one.receive(decode(JSON.stringify(message(1, 'tools/call', { name: 'wait', arguments: {} }))));
    await eventually(() => one.runningCount === 1);
    const draining = connections.drain('websocket');
    one.session?.cancelAll(new ProtocolError('shutting_down', 'The server ended'));
    await draining;
    expect(wireOf(one).messages.at(-1)).toMatchObject({ id: 1, error: { message: 'The server ended' } });
    expect([endsOf(one), endsOf(other)]).toEqual([[ENDING.shutdown], []]);
  });

  it('S2-32 are cut off with the process, and so is who was on the way in', async () => {
    await open();
    const connection = await connect();
    const socket = Object.assign(new EventEmitter(), { destroy: jest.fn() });
    connections.linger(socket);
    connections.onApplicationShutdown();
    expect([endsOf(connection), socket.destroy.mock.calls.length]).toEqual([['destroyed'], 1]);
  });
});
