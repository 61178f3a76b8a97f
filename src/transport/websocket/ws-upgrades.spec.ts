import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createServer, type IncomingMessage } from 'node:http';
import { Logger } from '@nestjs/common';
import { TokenAuthenticator } from '../../../test/support/connection-world.js';
import { DispatchWorld } from '../../../test/support/dispatch-world.js';
import { principalOf } from '../../../test/support/tool-world.js';
import type { ConfigOverrides } from '../../config/index.js';
import { AddressBlocks } from '../../limits/index.js';
import { Tickets } from '../connections/tickets.js';
import { HttpLane } from '../http/http-lane.js';
import { TransportModule } from '../transport.module.js';
import { isUpgradeRefusal, WsUpgrades } from './ws-upgrades.js';

let world: DispatchWorld;
let upgrades: WsUpgrades;

beforeEach(() => {
  for (const level of ['log', 'debug', 'warn', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
});

afterEach(async () => {
  await world.close();
  jest.restoreAllMocks();
});

async function open(settings: ConfigOverrides = {}, authenticator?: TokenAuthenticator): Promise<void> {
  world = await DispatchWorld.open({ settings, imports: [TransportModule], ...(authenticator && { authenticator }) });
  upgrades = world.get(WsUpgrades);
}

function upgrade(headers: Record<string, string> = {}, address = '10.0.0.1', url = '/ws'): IncomingMessage {
  const all: Record<string, string> = { host: 'localhost', 'user-agent': 'page/1', ...headers };
  return {
    url,
    headers: all,
    rawHeaders: Object.entries(all).flat(),
    socket: { remoteAddress: address, remotePort: 4_000 },
  } as unknown as IncomingMessage;
}
const decide = async (...args: Parameters<typeof upgrade>) => upgrades.decide(upgrade(...args));
const bearer = (token: string): string => `mcp, bearer.${Buffer.from(token).toString('base64url')}`;

describe('WsUpgrades', () => {
  it.each<[ConfigOverrides, string, boolean]>([
    [{}, '/ws', true],
    [{}, '/ws?token=x', true],
    [{}, '/', true],
    [{}, '/?x', true],
    [{}, '/wss', false],
    [{}, '/ws/', false],
    [{}, '/mcp', false],
    [{ server: { wsRootAlias: false } }, '/', false],
    [{ server: { wsRootAlias: false } }, '/ws', true],
  ])('K-5 with %j takes %s: %s', async (settings, url, isOurs) => {
    await open(settings);
    expect([upgrades.isServed, upgrades.isOurs(upgrade({}, '::1', url))]).toEqual([true, isOurs]);
  });

  it('D-17 lets in who may, and knows where they are', async () => {
    await open({ server: { trustedProxies: ['10.0.0.1'] } });
    const outcome = await decide({ 'x-forwarded-for': '1.2.3.4' });
    expect(outcome).toMatchObject({
      principal: { subject: 'anonymous' },
      peer: { address: '1.2.3.4', port: 4_000, userAgent: 'page/1' },
      place: { door: 'websocket' },
    });
  });

  it('W-5 D-17 refuses a Host or an Origin that is not ours, before anything else is looked at', async () => {
    const authenticator = new TokenAuthenticator();
    await open({ limits: { maxConnections: 1 } }, authenticator);
    for (const headers of [{ host: 'evil.example' }, { origin: 'https://evil.example' }, { origin: 'null' }]) {
      expect(await decide(headers)).toMatchObject({
        kind: expect.stringMatching(/^forbidden_(host|origin)$/) as unknown,
      });
    }
    expect([authenticator.asked, world.security.names]).toEqual([
      [],
      ['host_rejected', 'origin_rejected', 'origin_rejected'],
    ]);
    const page = { origin: 'http://localhost', authorization: 'Bearer good' };
    expect(isUpgradeRefusal(await decide(page))).toBe(false);
  });

  it('S2-17 S2-18 refuses blocks and caps before credentials, each in its words', async () => {
    const authenticator = new TokenAuthenticator();
    await open({ limits: { wsMaxConnections: 1 } }, authenticator);
    world.get(AddressBlocks).block('9.9.9.9', 60_000, 'auth_failures');
    expect(await decide({}, '9.9.9.9')).toEqual({
      kind: 'blocked',
      message: 'Forbidden: this address is blocked for a while',
      retryAfterMs: 60_000,
      ending: undefined,
    });
    await decide({ authorization: 'Bearer good' });
    expect(await decide()).toEqual({
      kind: 'connection_limit',
      message: 'Service Unavailable: Maximum connections reached',
      ending: undefined,
    });
    expect(authenticator.asked).toHaveLength(1);
  });

  it('K-13 says a refusal for a limit on the WebSocket, where the settings want it so', async () => {
    await open({ http: { wsCloseRefused: true }, limits: { wsMaxConnections: 2 }, rate: { maxConnections: 1 } });
    await decide();
    expect(await decide()).toMatchObject({
      ending: { code: 1008, reason: 'Rate limit exceeded' },
      retryAfterMs: 60_000,
    });
    await decide({}, '2.2.2.2');
    expect(await decide()).toMatchObject({ ending: { code: 1008, reason: 'Maximum connections reached' } });
    world.get(AddressBlocks).block('9.9.9.9', 60_000, 'auth_failures');
    expect(await decide({}, '9.9.9.9')).toMatchObject({ ending: undefined });
  });

  it('S2-7 S2-8 takes a token by header or sub-protocol, and refuses others with 401', async () => {
    const authenticator = new TokenAuthenticator();
    await open({}, authenticator);
    for (const headers of [{ authorization: 'Bearer good' }, { 'sec-websocket-protocol': bearer('good') }]) {
      expect(await decide(headers)).toMatchObject({ principal: { subject: 'ada' } });
    }
    expect(authenticator.asked[1]).toEqual({ authorization: 'Bearer good', address: '10.0.0.1', door: 'websocket' });
    const refused = [
      await decide(),
      await decide({ authorization: 'Bearer bad' }),
      await decide({ 'sec-websocket-protocol': bearer('bad') }),
      await decide({ 'sec-websocket-protocol': 'mcp, ticket.forged' }),
      await decide({}, '10.0.0.1', '/ws?token=good'),
    ];
    expect(refused).toMatchObject([
      { kind: 'auth_required', message: 'Unauthorized: Authentication required' },
      { kind: 'auth_failed' },
      { kind: 'auth_failed' },
      { kind: 'auth_failed', message: 'Unauthorized: Authentication failed' },
      { kind: 'auth_required' },
    ]);
  });

  it('S2-8 takes a ticket once, as its principal', async () => {
    await open({}, new TokenAuthenticator());
    const { id } = world.get(Tickets).issue({ ...principalOf('viewer'), subject: 'page' });
    const headers = { 'sec-websocket-protocol': `mcp, ticket.${id}` };
    expect(await decide(headers)).toMatchObject({ principal: { subject: 'page', roles: ['viewer'] } });
    expect(await decide(headers)).toMatchObject({ kind: 'auth_failed' });
    expect(world.security.events.at(-1)).toEqual({
      event: 'invalid_auth',
      details: { transport: 'websocket', ip: '10.0.0.1', reason: 'ticket' },
    });
  });

  it('D-18 lets in who shows nothing to say authenticate, by setting, and nobody who shows what is wrong', async () => {
    await open({ http: { wsFirstMessageAuth: true } }, new TokenAuthenticator());
    expect(await decide()).toMatchObject({ principal: undefined });
    expect(await decide({ authorization: 'Bearer bad' })).toMatchObject({ kind: 'auth_failed' });
    expect(await decide({ authorization: 'Bearer good' })).toMatchObject({ principal: { subject: 'ada' } });
  });

  it('K-12 refuses one connection too many of a principal, and gives back the places of all who are refused', async () => {
    const limits = { maxConnectionsPerPrincipal: 1, maxConnections: 2 };
    await open({ limits }, new TokenAuthenticator());
    const good = { authorization: 'Bearer good' };
    await decide(good);
    for (let i = 0; i < 5; i++) {
      expect(await decide(good)).toMatchObject({ kind: 'connection_limit' });
      expect(await decide({ authorization: 'Bearer bad' })).toMatchObject({ kind: 'auth_failed' });
    }
  });

  it('gives back its place when the credentials cannot be looked at', async () => {
    const authenticator = new TokenAuthenticator();
    await open({ limits: { maxConnections: 1 } }, authenticator);
    authenticator.pending = Promise.reject(new Error('out of reach'));
    await expect(decide({ authorization: 'Bearer good' })).rejects.toThrow('out of reach');
    authenticator.pending = undefined;
    expect(isUpgradeRefusal(await decide({ authorization: 'Bearer good' }))).toBe(false);
  });

  it('K-4 K-36 refuses where the lane is shut, and when the server ends', async () => {
    await open();
    world.get(HttpLane).attach(createServer());
    world.get(HttpLane).close();
    expect(await decide()).toMatchObject({ kind: 'shutting_down' });
  });
});
