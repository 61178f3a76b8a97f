import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';
import { eventually, FakeWire, TokenAuthenticator } from '../../../test/support/connection-world.js';
import { DispatchWorld, envelope } from '../../../test/support/dispatch-world.js';
import { OPERATOR, principalOf } from '../../../test/support/tool-world.js';
import { Authenticator, CredentialWatch, type Principal } from '../../auth/index.js';
import type { ConfigOverrides } from '../../config/index.js';
import { Catalogue, Dispatcher } from '../../dispatch/index.js';
import { decode } from '../../protocol/index.js';
import { SessionService } from '../../session/index.js';
import { Tool, type ToolContext } from '../../tools/index.js';
import { ConnectionAdmission, isRefusal } from '../connections/connection-admission.js';
import { Connections } from '../connections/connections.js';
import { TransportModule } from '../transport.module.js';
import { Conversations } from './conversations.js';
import type { DuplexConnection } from './duplex-connection.js';

@Injectable()
class Tools {
  readonly signals: AbortSignal[] = [];
  readonly ends: (() => void)[] = [];

  @Tool()
  wait(_args: unknown, { signal }: ToolContext): Promise<string> {
    this.signals.push(signal);
    return new Promise((resolve) => this.ends.push(() => resolve('done')));
  }

  @Tool()
  shout(_args: unknown, context: ToolContext): string {
    for (let i = 1; i <= 10; i++) context.log('info', 'x'.repeat(100));
    return 'done';
  }
}

const message = (id: unknown, method: string, params: object = {}): object => ({ jsonrpc: '2.0', id, method, params });
const INITIALIZE = message(0, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'spec', version: '1' },
});
const call = (id: unknown, name: string, more: object = {}): object =>
  message(id, 'tools/call', { name, arguments: {}, ...more });
const authenticate = (id: unknown, token?: unknown): object => message(id, 'authenticate', { token });

let world: DispatchWorld;
let logged: string[];

beforeEach(() => {
  logged = [];
  for (const level of ['log', 'debug', 'warn', 'error'] as const) {
    jest.spyOn(Logger.prototype, level).mockImplementation((text) => void logged.push(String(text)));
  }
});

afterEach(async () => {
  for (const connection of world.get(Connections)) connection.left();
  await world.close();
  jest.restoreAllMocks();
});

const open = async (settings: ConfigOverrides = {}, authenticator?: TokenAuthenticator): Promise<void> => {
  world = await DispatchWorld.open({
    settings,
    providers: [Tools],
    imports: [TransportModule],
    ...(authenticator && { authenticator }),
  });
};

async function connect(
  wire = new FakeWire(),
  { principal = OPERATOR, maxUnreadBytes = 1_000_000 }: { principal?: Principal | null; maxUnreadBytes?: number } = {},
): Promise<DuplexConnection> {
  const place = await world.get(ConnectionAdmission).admit('tcp', '10.0.0.1');
  if (isRefusal(place)) throw new Error(place.kind);
  const peer = { address: '10.0.0.1', port: 4_000, userAgent: 'spec/1' };
  const parts = { door: 'tcp', wire, peer, place, takesAuthenticate: true, maxUnreadBytes } as const;
  return world.get(Conversations).open(parts, principal ?? undefined);
}
const say = (connection: DuplexConnection, ...messages: (object | string)[]): void => {
  for (const each of messages) connection.receive(decode(typeof each === 'string' ? each : JSON.stringify(each)));
};
const ids = (wire: FakeWire): unknown[] => wire.messages.map(({ id }) => id);
const greeted = async (wire: FakeWire, connection: DuplexConnection): Promise<void> => {
  say(connection, INITIALIZE);
  await eventually(() => wire.sent.length === 1, 'an answer to initialize');
};

describe('a connection', () => {
  it('S0-9 answers each message on its own wire', async () => {
    await open();
    const wires = [new FakeWire(), new FakeWire()];
    const [one, two] = await Promise.all(wires.map((wire) => connect(wire)));
    say(one as DuplexConnection, message(1, 'ping'));
    say(two as DuplexConnection, message(1, 'ping'), message('b', 'ping'));
    await eventually(() => wires.every(({ sent }) => sent.length > 0) && wires[1]?.sent.length === 2);
    expect(wires.map(ids)).toEqual([[1], [1, 'b']]);
  });

  it('opens its session before it looks at the next message, whatever comes at once', async () => {
    await open();
    const wire = new FakeWire();
    const connection = await connect(wire);
    say(connection, INITIALIZE, message(1, 'tools/list'), '{', message(2, 'tools/list'));
    expect([wire.isPaused, connection.heldCount]).toEqual([true, 3]);
    await eventually(() => wire.sent.length === 4);
    expect(wire.messages[0]).toMatchObject({ id: 0, result: {} });
    expect(wire.messages.filter(({ result }) => result !== undefined)).toHaveLength(3);
    expect([wire.isPaused, connection.heldCount, connection.session?.id]).toEqual([false, 0, undefined]);
  });

  it('S3-2 tells the session where it comes from', async () => {
    await open();
    const wire = new FakeWire();
    const connection = await connect(wire);
    await greeted(wire, connection);
    expect(connection.session?.origin).toEqual({ door: 'tcp', address: '10.0.0.1', userAgent: 'spec/1' });
    expect(connection.connectionKey).toBe('10.0.0.1:4000');
  });

  it('D-2 serves both eras, D-13 and tells of changes while it is there', async () => {
    await open();
    const wire = new FakeWire();
    const connection = await connect(wire);
    await greeted(wire, connection);
    say(connection, message(1, 'tools/list', { _meta: envelope() }));
    await eventually(() => wire.sent.length === 2);
    expect(wire.messages[1]).toMatchObject({ id: 1, result: { resultType: 'complete' } });
    world.get(Catalogue).disableTool('wait');
    await eventually(() => wire.sent.length === 3);
    expect(wire.messages[2]).toEqual({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    connection.left();
    world.get(Catalogue).enableTool('wait');
    await eventually(() => true);
    expect(wire.sent).toHaveLength(3);
  });

  it('D-3 S3-6 S3-7 cancels what runs when its client leaves, of either era, and says how many', async () => {
    await open();
    const wires = [new FakeWire(), new FakeWire()];
    const [leaver, stayer] = (await Promise.all(wires.map((wire) => connect(wire)))) as [
      DuplexConnection,
      DuplexConnection,
    ];
    await greeted(wires[0] as FakeWire, leaver);
    await greeted(wires[1] as FakeWire, stayer);
    say(leaver, call(1, 'wait'), call(2, 'wait', { _meta: envelope() }));
    say(stayer, call(1, 'wait'));
    const { signals } = world.get(Tools);
    await eventually(() => signals.length === 3);
    const hash = leaver.session?.idHash;
    leaver.left();
    await eventually(() => signals.filter(({ aborted }) => aborted).length === 2);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false]);
    expect(logged).toContain(`Canceled active requests for disconnected session ${hash}: 2`);
    expect([world.get(SessionService).count, world.get(Connections).count]).toEqual([1, 1]);
    expect(wires[0]?.sent).toHaveLength(1);
  });

  it('S3-3 S0-16 tells of its life, by lines and by events', async () => {
    await open();
    const connection = await connect();
    expect([connection.state, logged.at(-1)]).toEqual([
      'connected',
      `Client connected: 10.0.0.1:4000 (ID: ${connection.id})`,
    ]);
    world.clock.advance(1_500);
    connection.left({ code: 1000, reason: '' });
    connection.left();
    expect(connection.state).toBe('disconnected');
    expect(logged.filter((line) => /^(Client|Connection closed)/.test(line))).toEqual([
      `Client connected: 10.0.0.1:4000 (ID: ${connection.id})`,
      'Client disconnected: 10.0.0.1:4000',
      'Connection closed: 10.0.0.1:4000',
    ]);
    const facts = { transport: 'tcp', clientId: connection.id, ip: '10.0.0.1' };
    expect(world.security.events).toEqual([
      { event: 'connection_established', details: { ...facts, principal: 'https://idp/ada' } },
      { event: 'auth_success', details: { ...facts, principal: 'https://idp/ada', method: 'header' } },
      { event: 'connection_closed', details: { ...facts, durationMs: 1_500, code: 1000 } },
    ]);
  });

  it('answers what it is owed to a client that has nothing more to say, until it is gone', async () => {
    await open();
    const wire = new FakeWire();
    const connection = await connect(wire);
    say(connection, message(1, 'ping'));
    connection.leaving();
    await connection.settled();
    expect(ids(wire)).toEqual([1]);
    say(connection, message(2, 'ping'));
    connection.left();
    connection.send('late');
    await eventually(() => true);
    expect(wire.sent).toHaveLength(1);
  });

  it('is closed with 1011 when a message cannot be served at all, and nobody else is', async () => {
    await open();
    const wires = [new FakeWire(), new FakeWire()];
    const [broken, other] = (await Promise.all(wires.map((wire) => connect(wire)))) as [
      DuplexConnection,
      DuplexConnection,
    ];
    jest.spyOn(world.get(Dispatcher), 'receive').mockRejectedValueOnce(new Error('a defect'));
    say(broken, message(1, 'ping'), message(2, 'ping'));
    say(other, message(3, 'ping'));
    await eventually(() => wires[0]?.ends.length === 1 && wires[1]?.sent.length === 1);
    expect(wires[0]?.ends).toEqual([{ code: 1011, reason: 'Internal error' }]);
    expect(logged).toContain('A message could not be served');
  });

  it('S3-9 is closed when its session is ended, and when its credential is (D-10)', async () => {
    await open();
    const wires = [new FakeWire(), new FakeWire(), new FakeWire()];
    const expiring = { ...principalOf('operator'), subject: 'eve', expiresAt: world.clock.now() + 5_000 };
    const [ended, revoked, expired] = (await Promise.all(
      wires.map((wire, at) => connect(wire, { principal: at === 2 ? expiring : { ...OPERATOR, subject: `${at}` } })),
    )) as [DuplexConnection, DuplexConnection, DuplexConnection];
    await greeted(wires[0] as FakeWire, ended);
    await world.get(SessionService).end(ended.session as NonNullable<typeof ended.session>, 'admin');
    const watch = world.get(CredentialWatch);
    expect(watch.revoke(({ subject }) => subject === '1')).toBe(1);
    world.clock.advance(5_000);
    watch.sweep();
    expect(wires.map(({ ends }) => ends)).toEqual([
      [{ code: 1008, reason: 'Session ended' }],
      [{ code: 4401, reason: 'Credential revoked' }],
      [{ code: 4401, reason: 'Credential expired' }],
    ]);
    expect(expired.state).toBe('disconnected');
    revoked.left();
    expect(watch.size).toBe(0);
  });

  it('S0-12 says so once when a client comes to its limit, and answers each message above with its id', async () => {
    await open({ rate: { maxMessages: 2 } });
    const wire = new FakeWire();
    const connection = await connect(wire);
    say(connection, ...[1, 2, 3, 4].map((id) => message(id, 'ping')));
    await eventually(() => wire.sent.length === 4);
    const limited = { code: -32000, message: 'Rate limit exceeded', data: { kind: 'rate_limited' } };
    expect(wire.messages.filter(({ error }) => error !== undefined)).toMatchObject([
      { id: 3, error: limited },
      { id: 4, error: limited },
    ]);
    expect(logged.filter((line) => line === 'Rate limit exceeded for client: 10.0.0.1:4000')).toHaveLength(1);
    expect(wire.ends).toEqual([]);
    world.clock.advance(60_000);
    say(connection, message(5, 'ping'));
    await eventually(() => wire.sent.length === 5);
    expect(wire.messages[4]).toMatchObject({ id: 5, result: {} });
  });
});

describe('a client that does not read', () => {
  it('S0-13 is listened to no more while too many messages wait for it, and again when it has read', async () => {
    await open({ rate: { enabled: false } });
    const wire = new FakeWire({ messages: 5, bytes: 1_000_000 });
    wire.isRead = false;
    const connection = await connect(wire);
    say(connection, ...Array.from({ length: 6 }, (_, id) => message(id, 'ping')));
    await eventually(() => wire.sent.length === 6);
    expect(wire.isPaused).toBe(true);
    say(connection, message('held', 'ping'));
    for (let i = 0; i < 5; i++) await Promise.resolve();
    expect([wire.sent.length, connection.heldCount]).toEqual([6, 1]);
    wire.read(1);
    expect([wire.isPaused, connection.heldCount]).toEqual([false, 0]);
    await eventually(() => wire.sent.length === 7);
    expect(ids(wire).at(-1)).toBe('held');
  });

  it('S0-13 is cut off when too much waits, and one large answer alone is not too much', async () => {
    await open({ rate: { enabled: false } });
    const wire = new FakeWire();
    wire.isRead = false;
    const connection = await connect(wire, { maxUnreadBytes: 500 });
    connection.send('x'.repeat(2_000));
    expect(connection.state).toBe('connected');
    connection.send('one more');
    expect([connection.state, wire.ends, wire.sent.length]).toEqual([
      'disconnected',
      [{ code: 1008, reason: 'Messages are not read' }],
      1,
    ]);
    expect(world.security.events.at(-1)).toMatchObject({
      event: 'websocket_error',
      details: { transport: 'tcp', error: 'Messages are not read' },
    });
  });

  it('S0-13 cannot be made to grow by a tool that talks', async () => {
    await open({ rate: { enabled: false } });
    const wire = new FakeWire({ messages: 5, bytes: 1_000_000 });
    const connection = await connect(wire, { maxUnreadBytes: 2_000 });
    await greeted(wire, connection);
    wire.isRead = false;
    say(connection, call(1, 'shout'), call(2, 'shout'), call(3, 'shout'));
    await eventually(() => connection.state === 'disconnected', 'the end of the connection');
    expect(wire.unreadBytes).toBeLessThan(2_500);
  });
});

describe('a client that has to prove itself', () => {
  const stranger = (wire = new FakeWire()): Promise<DuplexConnection> => connect(wire, { principal: null });

  it('S2-9 does so by authenticate, and is then served whatever it likes', async () => {
    const authenticator = new TokenAuthenticator();
    await open({}, authenticator);
    const wire = new FakeWire();
    const connection = await stranger(wire);
    expect([connection.state, logged.some((line) => line.startsWith('Client connected'))]).toEqual([
      'connecting',
      false,
    ]);
    say(connection, authenticate(1, 'good'), INITIALIZE, message(2, 'ping'));
    await eventually(() => wire.sent.length === 3);
    expect(wire.messages[0]).toEqual({ jsonrpc: '2.0', id: 1, result: { authenticated: true } });
    expect(ids(wire)).toEqual([1, 0, 2]);
    expect(authenticator.asked).toEqual([
      { authorization: 'Bearer good', address: '10.0.0.1', certificate: undefined, door: 'tcp' },
    ]);
    expect(world.security.names).toEqual(['connection_established', 'auth_success', 'session_created']);
    expect(world.security.events[1]?.details).toEqual({
      transport: 'tcp',
      clientId: connection.id,
      ip: '10.0.0.1',
      principal: 'https://idp/ada',
      method: 'authenticate',
    });
  });

  it.each<[string, unknown]>([
    ['a token that is not good', 'bad'],
    ['a token that is no text', 5],
    ['no token', undefined],
  ])('S2-9 is sent away for %s', async (_what, token) => {
    await open({}, new TokenAuthenticator());
    const wire = new FakeWire();
    const connection = await stranger(wire);
    say(connection, authenticate(1, token), message(2, 'ping'));
    await eventually(() => wire.ends.length === 1);
    expect(wire.messages).toEqual([
      {
        jsonrpc: '2.0',
        id: 1,
        error: { code: -32000, message: 'Authentication failed', data: { kind: 'auth_failed' } },
      },
    ]);
    expect([wire.ends, connection.state]).toEqual([[{ code: 1008, reason: 'Authentication failed' }], 'disconnected']);
    connection.left();
    expect(world.get(Connections).count).toBe(0);
  });

  it('S2-9 W-9 gets nothing else before, and stays', async () => {
    await open({}, new TokenAuthenticator());
    const wire = new FakeWire();
    const connection = await stranger(wire);
    const batch = JSON.stringify([authenticate(9, 'good')]);
    say(connection, INITIALIZE, message('x', 'tools/list'), { jsonrpc: '2.0', method: 'x' }, '{', batch);
    await eventually(() => wire.sent.length === 4);
    const required = { code: -32000, message: 'Authentication required', data: { kind: 'auth_required' } };
    expect(wire.messages).toEqual([
      { jsonrpc: '2.0', id: 0, error: required },
      { jsonrpc: '2.0', id: 'x', error: required },
      { jsonrpc: '2.0', id: null, error: { code: -32700, message: 'Parse error', data: { kind: 'parse_error' } } },
      { jsonrpc: '2.0', id: null, error: required },
    ]);
    world.get(Connections).notifyAll('hello');
    world.get(Catalogue).disableTool('wait');
    await eventually(() => true);
    expect([wire.sent.length, wire.ends, world.get(SessionService).count]).toEqual([4, [], 0]);
    say(connection, authenticate(5, 'good'));
    await eventually(() => wire.sent.length === 5);
    expect(wire.messages[4]).toMatchObject({ id: 5, result: { authenticated: true } });
  });

  it('is looked at in order: what comes while its token is checked waits', async () => {
    const authenticator = new TokenAuthenticator();
    await open({}, authenticator);
    let admit: () => void = () => undefined;
    authenticator.pending = new Promise((resolve) => (admit = resolve));
    const wire = new FakeWire();
    const connection = await stranger(wire);
    say(connection, authenticate(1, 'good'), message(2, 'ping'));
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect([wire.sent, wire.isPaused, connection.heldCount]).toEqual([[], true, 1]);
    admit();
    await eventually(() => wire.sent.length === 2);
    expect(ids(wire)).toEqual([1, 2]);
  });

  it('is forgotten when it leaves while its token is checked', async () => {
    const authenticator = new TokenAuthenticator();
    await open({}, authenticator);
    let admit: () => void = () => undefined;
    authenticator.pending = new Promise((resolve) => (admit = resolve));
    const wire = new FakeWire();
    const connection = await stranger(wire);
    say(connection, authenticate(1, 'good'));
    connection.left();
    admit();
    for (let i = 0; i < 20; i++) await Promise.resolve();
    expect([wire.sent, connection.isProven, world.get(CredentialWatch).size]).toEqual([[], false, 0]);
    expect(logged.some((line) => line.startsWith('Client connected'))).toBe(false);
  });

  it('W-9 may do so again, for a credential that lasts longer, and only as the same', async () => {
    const ada = principalOf('operator');
    const authenticator = new TokenAuthenticator({ good: ada, newer: { ...ada }, bobs: { ...ada, subject: 'bob' } });
    await open({}, authenticator);
    const wire = new FakeWire();
    const connection = await stranger(wire);
    say(connection, authenticate(1, 'good'), authenticate(2, 'newer'), message(3, 'ping'));
    await eventually(() => wire.sent.length === 3);
    expect(ids(wire)).toEqual([1, 2, 3]);
    expect(world.get(CredentialWatch).size).toBe(1);
    say(connection, authenticate(4, 'bobs'));
    await eventually(() => wire.ends.length === 1);
    expect(wire.messages[3]).toMatchObject({ id: 4, error: { message: 'Authentication failed' } });
    expect([connection.principal.subject, wire.ends]).toEqual([
      'ada',
      [{ code: 1008, reason: 'Authentication failed' }],
    ]);
  });

  it('K-12 is sent away when its principal has as many connections as it may', async () => {
    await open({ limits: { maxConnectionsPerPrincipal: 1 } }, new TokenAuthenticator());
    const wires = [new FakeWire(), new FakeWire()];
    for (const wire of wires) say(await stranger(wire), authenticate(1, 'good'));
    await eventually(() => wires.every(({ sent }) => sent.length === 1));
    expect(wires[0]?.messages).toMatchObject([{ result: { authenticated: true } }]);
    expect(wires[1]?.messages).toMatchObject([
      { id: 1, error: { code: -32000, message: 'Maximum connections reached', data: { kind: 'connection_limit' } } },
    ]);
    expect(wires[1]?.ends).toEqual([{ code: 1008, reason: 'Maximum connections reached' }]);
  });

  it('S2-15 is counted by its address before it is known', async () => {
    await open({ rate: { maxMessages: 3 } }, new TokenAuthenticator());
    const wire = new FakeWire();
    say(await stranger(wire), ...[1, 2, 3, 4, 5].map((id) => message(id, 'ping')));
    await eventually(() => wire.ends.length === 1);
    expect(wire.messages.map(({ error }) => (error as { message: string }).message)).toEqual([
      'Authentication required',
      'Authentication required',
      'Authentication required',
      'Rate limit exceeded',
    ]);
    const next = new FakeWire();
    say(await stranger(next), authenticate(1, 'good'));
    await eventually(() => next.ends.length === 1);
    expect(next.ends).toEqual([{ code: 1008, reason: 'Rate limit exceeded' }]);
  });

  it('W-9 may say authenticate where nobody asks it to', async () => {
    await open();
    const wire = new FakeWire();
    const principal = await world.get(Authenticator).authenticate({});
    say(await connect(wire, { principal }), authenticate(1, 'anything'));
    await eventually(() => wire.sent.length === 1);
    expect(wire.messages).toEqual([{ jsonrpc: '2.0', id: 1, result: { authenticated: true } }]);
  });
});
