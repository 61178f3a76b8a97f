import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { TOKEN } from '../support/auth-world.js';
import { Doors } from '../support/live-doors.js';
import { type Message, request } from '../support/messages.js';
import { fixture } from '../support/places.js';
import { RawHttp } from '../support/raw-http.js';
import { RawLines } from '../support/raw-lines.js';
import { RawWebSocket } from '../support/raw-websocket.js';
import { PATIENCE_MS } from '../support/waiting.js';

const LONG_MS = 4 * PATIENCE_MS;
jest.setTimeout(LONG_MS);

const OTHER = [...TOKEN].reverse().join('');
const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });
const authenticate = (token: unknown) => request(1, 'authenticate', { token });

describe('doors where clients prove who they are', () => {
  let doors: Doors;

  beforeAll(async () => {
    doors = await Doors.open({
      plugins: [fixture('contract/index')],
      env: {
        MCP_AUTH_TOKENS: `one:operator:${TOKEN},two:operator:${OTHER}`,
        MCP_RATE_LIMIT_MAX: '100000',
        MCP_LOG_LEVEL: 'debug',
      },
    });
  }, LONG_MS);
  afterAll(() => doors.dispose());

  const proven = async (token = TOKEN): Promise<RawLines> => {
    const client = await doors.lines();
    client.send(authenticate(token));
    await client.answer(1);
    return client;
  };

  it('S2-9 over TCP by a line, and is told so in the words of before', async () => {
    const client = await proven();
    expect(client.text).toBe('{"jsonrpc":"2.0","id":1,"result":{"authenticated":true}}\n');
    expect((await client.initialize()).result).toBeDefined();
    expect((await doors.events('tcp_auth_success'))[0]).toMatchObject({ transport: 'tcp', method: 'authenticate' });
    client.leave();
  });

  it('S2-9 with the wrong token the client is told so, and hung up on', async () => {
    const client = await doors.lines();
    client.send(authenticate('nonsense'));
    const said = JSON.parse(await client.end()) as Message;
    expect(said).toMatchObject({ jsonrpc: '2.0', id: 1, error: { code: -32000, message: 'Authentication failed' } });
    expect((await doors.events('tcp_auth_failed'))[0]).toMatchObject({ transport: 'tcp' });
    expect(doors.server.stderr).not.toContain('nonsense');
  });

  it('S2-9 W-9 before it nothing else is served, and the client may still prove itself', async () => {
    const client = await doors.lines();
    for (const method of ['tools/list', 'tools/call', 'ping', 'initialize']) {
      const { error } = await client.request(method, method, {});
      expect([method, error?.code, error?.message]).toEqual([method, -32000, 'Authentication required']);
    }
    client.send(authenticate(TOKEN));
    expect((await client.answer(1)).result).toEqual({ authenticated: true });
    client.leave();
  });

  it('S2-3 S2-4 agents call the tools of one server, each in a session of its own that ends with it', async () => {
    const agents = [await proven(), await proven(OTHER), await doors.webSocket({ headers: bearer(TOKEN) })];
    const said = await Promise.all(
      agents.map(async (agent, at) => {
        await agent.initialize();
        return (await agent.callTool('same', 'echo', { message: `agent ${at}` })).result?.['content'];
      }),
    );
    expect(said).toEqual(agents.map((_agent, at) => [{ type: 'text', text: `Echo: agent ${at}` }]));
    agents[0]?.send(request('left', 'tools/call', { name: 'wait_for_abort', arguments: { mark: 'agent' } }));
    await agents[0]?.request('sees', 'ping');
    agents[0]?.vanish();
    await doors.server.said(/Canceled active requests for disconnected session \w+: 1/);
    expect((await agents[1]?.callTool('after', 'echo', { message: 'still here' }))?.result).toBeDefined();
    for (const agent of agents.slice(1)) agent.vanish();
  });

  it('S2-6 a change reaches everybody who has proved who they are, and nobody else', async () => {
    const known = [await proven(), await proven(OTHER), await doors.webSocket({ headers: bearer(OTHER) })];
    for (const client of known) await client.initialize();
    const stranger = await doors.lines();
    await known[0]?.callTool('change', 'change_list', { list: 'tools' });
    for (const client of known) {
      await client.message(({ method }) => method === 'notifications/tools/list_changed', 'the change');
    }
    // What the server has to say to it comes in order: were it told, it would be before this.
    await stranger.request('after', 'ping');
    expect(stranger.messages.map(({ id }) => id)).toEqual(['after']);
    for (const client of [...known, stranger]) client.vanish();
  });

  it('S2-7 an upgrade without the token, or with another, is 401 Unauthorized, and told as invalid_auth', async () => {
    const before = (await doors.events('invalid_auth', 0)).length;
    for (const headers of [{}, bearer('nonsense'.repeat(8))]) {
      const refused = await RawWebSocket.refusal(doors.wsUrl, { headers });
      expect([refused.status, refused.phrase]).toEqual([401, 'Unauthorized']);
      expect(refused.headers['www-authenticate']).toMatch(/^Bearer /);
    }
    const told = (await doors.events('invalid_auth', before + 2)).slice(before);
    expect(told).toMatchObject([
      { transport: 'websocket', ip: '127.0.0.1', reason: expect.any(String) },
      { transport: 'websocket', ip: '127.0.0.1', reason: 'unknown_token' },
    ]);
    const socket = await doors.webSocket({ headers: bearer(TOKEN) });
    expect((await socket.initialize()).result).toBeDefined();
    await socket.close();
  });

  it('S2-31 Unauthorized is what a client without a credential reads, at each door', async () => {
    expect((await RawWebSocket.refusal(doors.wsUrl)).phrase).toBe('Unauthorized');
    for (const url of [doors.server.url, doors.sseUrl]) {
      const answer = await fetch(url, { headers: { Accept: 'text/event-stream' } });
      expect([answer.status, answer.statusText]).toEqual([401, 'Unauthorized']);
      await answer.body?.cancel();
    }
  });
});

describe('S2-31 the words of limits', () => {
  it('Rate limit exceeded and Service Unavailable are what clients read', async () => {
    const doors = await Doors.open({
      env: { MCP_RATE_LIMIT_MAX: '3', MCP_WS_MAX_CONNECTIONS: '1', MCP_TCP_MAX_CONNECTIONS: '1' },
    });
    try {
      const [socket, lines] = [await doors.webSocket(), await doors.lines()];
      for (const client of [socket, lines]) {
        const answers = [];
        await client.initialize();
        for (let id = 1; id <= 3; id++) answers.push(await client.request(id, 'ping'));
        expect(answers.at(-1)?.error).toMatchObject({ code: -32000, message: 'Rate limit exceeded' });
      }
      expect((await RawWebSocket.refusal(doors.wsUrl)).phrase).toBe('Service Unavailable');
      expect(await (await doors.lines()).end()).toBe('{"error":"Service unavailable - connection limit reached"}\n');
    } finally {
      await doors.dispose();
    }
  });
});

/** An address of this machine that is not loopback: what comes from it can be blocked. */
const outside = Object.values(networkInterfaces())
  .flat()
  .find((found) => found && !found.internal && found.family === 'IPv4')?.address;

(outside === undefined ? describe.skip : describe)('an address that guesses at one door', () => {
  it('S2-17 S2-26 is blocked at every other, whatever it shows', async () => {
    const doors = await Doors.open({
      flags: ['--host', String(outside)],
      env: { MCP_AUTH_TOKENS: `one:operator:${TOKEN}` },
    });
    try {
      for (let at = 0; at < 3; at++) {
        expect((await RawWebSocket.refusal(doors.wsUrl, { headers: bearer(`wrong${at}`) })).status).toBe(401);
      }
      expect((await RawWebSocket.refusal(doors.wsUrl, { headers: bearer(TOKEN) })).status).toBe(403);
      expect((await new RawHttp(doors.server.url).initialize('2025-11-25', bearer(TOKEN))).status).toBe(403);
      expect((await fetch(doors.sseUrl, { headers: bearer(TOKEN) })).status).toBe(403);
      const line = await RawLines.open(doors.tcpPort, { host: String(outside) });
      expect(await line.end()).toBe('{"error":"Forbidden"}\n');
      expect((await doors.events('ip_blocked')).length).toBe(1);
    } finally {
      await doors.dispose();
    }
  });
});
