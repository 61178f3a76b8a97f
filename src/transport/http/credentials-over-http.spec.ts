import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { Injectable, Logger } from '@nestjs/common';
import { eventually, TokenAuthenticator } from '../../../test/support/connection-world.js';
import { DispatchWorld, envelope } from '../../../test/support/dispatch-world.js';
import { MemoryHttp } from '../../../test/support/memory-http.js';
import { principalOf } from '../../../test/support/tool-world.js';
import { CredentialWatch } from '../../auth/index.js';
import type { ConfigOverrides } from '../../config/index.js';
import { AddressBlocks } from '../../limits/index.js';
import { SessionService } from '../../session/index.js';
import { Tool, type ToolContext } from '../../tools/index.js';
import { TransportModule } from '../transport.module.js';
import { HttpLane } from './http-lane.js';

@Injectable()
class Tools {
  readonly signals: AbortSignal[] = [];
  readonly ends: (() => void)[] = [];

  @Tool()
  report(_args: unknown, context: ToolContext): Promise<string> {
    this.signals.push(context.signal);
    context.progress(1);
    return new Promise((resolve) => this.ends.push(() => resolve('done')));
  }
}

const message = (id: unknown, method: string, params: object = {}): object => ({ jsonrpc: '2.0', id, method, params });
const INITIALIZE = message(0, 'initialize', {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'spec', version: '1' },
});

let world: DispatchWorld;
let http: MemoryHttp;
let authenticator: TokenAuthenticator;
/** Where the next connections come from. */
let address: string;

async function open(settings: ConfigOverrides = {}): Promise<void> {
  authenticator = new TokenAuthenticator({
    good: principalOf('operator'),
    more: { ...principalOf('x'), subject: 'bob' },
  });
  world = await DispatchWorld.open({ settings, providers: [Tools], imports: [TransportModule], authenticator });
  const server = createServer();
  server.prependListener('connection', (socket: Duplex) =>
    Object.assign(socket, { remoteAddress: address, remotePort: 4_000 }),
  );
  world.get(HttpLane).attach(server);
  http = new MemoryHttp(server);
}

beforeEach(() => {
  address = '10.0.0.1';
  for (const level of ['log', 'debug', 'warn', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
});

afterEach(async () => {
  await world.close();
  jest.restoreAllMocks();
});

const GOOD = { authorization: 'Bearer good' };
async function connect(headers: Record<string, string> = GOOD): Promise<Record<string, string>> {
  const answer = await http.ask({ body: INITIALIZE, headers });
  return { ...headers, 'mcp-session-id': String(answer.headers['mcp-session-id']) };
}
const call = (headers: Record<string, string>, meta: object = {}) => {
  const params = { name: 'report', arguments: {}, _meta: { progressToken: 1, ...meta } };
  return http.open({ body: message(1, 'tools/call', params), headers });
};

describe('streams of HTTP', () => {
  it('D-10 end with the credential that opened them, and with no other', async () => {
    await open();
    const get = async (headers: Record<string, string>) =>
      http.open({ method: 'GET', headers: { accept: 'text/event-stream', ...headers } });
    const ended = await get(await connect());
    const other = await get(await connect({ authorization: 'Bearer more' }));
    const isOver = jest.fn();
    void other.ended.then(isOver);
    expect(world.get(CredentialWatch).revoke(({ subject }) => subject === 'ada')).toBe(1);
    await ended.ended;
    expect(isOver).not.toHaveBeenCalled();
    other.leave();
    await eventually(() => world.get(CredentialWatch).size === 0, 'nothing to watch');
  });

  it.each([
    ['2025-11-25', {}],
    ['2026-07-28', envelope()],
  ])(
    'D-10 an answer of %s that streams is cut off with its credential, and what runs for it ends',
    async (era, meta) => {
      await open();
      const modern = { 'mcp-protocol-version': era, 'mcp-method': 'tools/call', 'mcp-name': 'report' };
      const coming = await call(era === '2026-07-28' ? { ...GOOD, ...modern } : await connect(), meta);
      expect(world.get(CredentialWatch).size).toBe(1);
      world.get(CredentialWatch).revoke(() => true);
      await coming.ended;
      expect(coming.text()).not.toContain('"result"');
      await eventually(() => world.get(Tools).signals[0]?.aborted === true);
    },
  );

  it('D-10 an answer that ends is watched no more', async () => {
    await open();
    const coming = await call(await connect());
    world.get(Tools).ends[0]?.();
    await coming.ended;
    expect(coming.text()).toContain('"result"');
    expect(world.get(CredentialWatch).size).toBe(0);
  });
});

describe('addresses over HTTP', () => {
  it('W-13 are those of clients, behind proxies that are trusted: to who authenticates, and in sessions', async () => {
    await open({ server: { trustedProxies: ['10.0.0.1'] } });
    await connect({ ...GOOD, 'x-forwarded-for': '6.6.6.6, 1.2.3.4', 'user-agent': 'ua' });
    expect(authenticator.asked).toEqual([{ authorization: 'Bearer good', address: '1.2.3.4', door: 'http' }]);
    expect(world.get(SessionService).list()[0]?.origin).toEqual({ door: 'http', address: '1.2.3.4', userAgent: 'ua' });
  });

  it('S2-17 are refused while they are blocked, whatever the request, before anybody is authenticated', async () => {
    await open();
    world.get(AddressBlocks).block('10.0.0.1', 60_000, 'auth_failures');
    const answer = await http.ask({ body: INITIALIZE, headers: GOOD });
    expect([answer.status, answer.headers['retry-after'], JSON.parse(answer.text)]).toMatchObject([
      403,
      '60',
      { error: { message: 'Forbidden: this address is blocked for a while', data: { kind: 'blocked' } } },
    ]);
    expect(authenticator.asked).toEqual([]);
    address = '10.0.0.2';
    expect((await http.ask({ body: INITIALIZE, headers: GOOD })).status).toBe(200);
  });
});
