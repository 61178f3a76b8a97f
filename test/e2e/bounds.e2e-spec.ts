import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { TOKEN } from '../support/auth-world.js';
import type { ServerOptions } from '../support/built-server.js';
import { Doors } from '../support/live-doors.js';
import { type Json, request } from '../support/messages.js';
import { Program } from '../support/program.js';
import type { RawChannel } from '../support/raw-channel.js';
import { answerIn, RawHttp } from '../support/raw-http.js';
import { RawLines } from '../support/raw-lines.js';
import { RawWebSocket } from '../support/raw-websocket.js';
import { RestClient } from '../support/rest-client.js';
import { PATIENCE_MS, until } from '../support/waiting.js';

jest.setTimeout(4 * PATIENCE_MS);

const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });
const opened: Doors[] = [];

async function open(env: Record<string, string>, more: ServerOptions = {}): Promise<Doors> {
  const doors = await Doors.open({ ...more, env });
  opened.push(doors);
  return doors;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((doors) => doors.dispose()));
});

/** How many of so many messages at once are answered; the rest are refused. */
async function answered(client: RawChannel, count: number): Promise<number> {
  for (let id = 1; id <= count; id++) client.send(request(id, 'ping'));
  const answers = await Promise.all(Array.from({ length: count }, (_none, at) => client.answer(at + 1)));
  for (const { error } of answers) if (error) expect(error.message).toBe('Rate limit exceeded');
  return answers.filter(({ result }) => result).length;
}

describe('messages', () => {
  it('S2-16 are not limited where that is off, and so many more pass with a burst', async () => {
    const free = await open({ MCP_RATE_LIMIT_ENABLED: 'false' });
    expect(await answered(await free.webSocket(), 150)).toBe(150);
    expect(await answered(await free.lines(), 150)).toBe(150);
    const bursting = await open({ MCP_RATE_LIMIT_MAX: '5', MCP_RATE_LIMIT_BURST: '20' });
    expect(await answered(await bursting.webSocket(), 30)).toBe(25);
    expect(await answered(await bursting.lines(), 30)).toBe(25);
  });

  it('S4-33 W-25 W-13 no more callers are remembered than the setting says, and all are served', async () => {
    const doors = await open({
      MCP_RATE_LIMIT_MAX: '100000',
      MCP_RATE_LIMIT_MAX_CLIENTS: '100',
      MCP_SESSION_MAX_PER_CLIENT: '1000',
      MCP_RATE_LIMIT_REST: '100000',
      MCP_ANONYMOUS_ROLE: 'admin',
    });
    const http = new RawHttp(doors.server.url);
    for (let n = 0; n < 120; n++) {
      const { session } = await http.initialize();
      expect((await http.post(request(n, 'ping'), session)).status).toBe(200);
    }
    const { remembered } = (await new RestClient(doors.base).get('/admin/limits')).json as { remembered: Json };
    expect(remembered).toMatchObject({ messages: 100, atMost: 100 });
  });
});

describe('sessions', () => {
  it('S2-11 K-12 K-16 end by the times that are set, and an eleventh of one client makes the oldest give way', async () => {
    const env = { MCP_AUTH_TOKENS: `one:operator:${TOKEN}`, MCP_LOG_LEVEL: 'debug' };
    const doors = await open({ ...env, MCP_SESSION_TIMEOUT_MS: '3000', MCP_SESSION_CLEANUP_INTERVAL_MS: '1000' });
    const { stdout } = await Program.run({ args: ['config'], cwd: doors.server.stateDir });
    for (const [name, value] of [
      ['timeoutMs', 1_800_000],
      ['cleanupIntervalMs', 60_000],
      ['max', 1_000],
      ['maxPerClient', 10],
    ]) {
      expect(stdout).toMatch(new RegExp(`^sessions\\.${name} +${value} +default$`, 'm'));
    }
    const http = new RawHttp(doors.server.url);
    const sessions = [];
    for (let n = 0; n < 11; n++) sessions.push((await http.initialize('2025-11-25', bearer(TOKEN))).session);
    const [oldest, ...others] = sessions;
    expect((await http.post(request(1, 'ping'), oldest)).status).toBe(404);
    for (const session of others) expect((await http.post(request(1, 'ping'), session)).status).toBe(200);
    const streams = await Promise.all(others.map((session) => http.stream(session)));
    const refused = await http.initialize('2025-11-25', bearer(TOKEN));
    expect([refused.status, answerIn(refused.frames).error?.data?.['kind']]).toEqual([503, 'session_limit']);
    expect((await doors.events('session_limit'))[0]).toMatchObject({ principal: 'gatehouse/one' });
    await Promise.all(streams.map((stream) => stream.leave()));
    await doors.events('session_expired', 10);
    expect((await http.post(request(1, 'ping'), others[0])).status).toBe(404);
  });
});

describe('what operators are told', () => {
  it('S2-28 S2-31 failed authentication, rate violations, connection limits and invalid input, at each door', async () => {
    const doors = await open({
      MCP_AUTH_TOKENS: `one:operator:${TOKEN}`,
      MCP_RATE_LIMIT_MAX: '3',
      MCP_WS_MAX_CONNECTIONS: '1',
      MCP_TCP_MAX_CONNECTIONS: '1',
    });
    await RawWebSocket.refusal(doors.wsUrl, { headers: bearer('wrong') });
    const failed = await doors.lines();
    failed.send(request(1, 'authenticate', { token: 'wrong' }));
    await failed.end();
    const [socket, lines] = [await doors.webSocket({ headers: bearer(TOKEN) }), await doors.lines()];
    lines.send(request('auth', 'authenticate', { token: TOKEN }));
    await lines.answer('auth');
    for (const client of [socket, lines]) {
      client.send('{"jsonrpc":"1.0","id":"bad","method":"ping"}\n');
      await client.answer('bad');
    }
    for (const client of [socket, lines]) {
      for (let id = 1; id <= 4; id++) client.send(request(id, 'ping'));
      await client.answer(4);
    }
    await RawWebSocket.refusal(doors.wsUrl, { headers: bearer(TOKEN) });
    await (await doors.lines()).end();
    const limit = { ip: '127.0.0.1', limit: 1 };
    const invalid = {
      clientId: expect.stringMatching(/^[0-9a-f]{16}$/),
      error: 'invalid_request',
      bytes: expect.any(Number),
    };
    for (const [event, transport, details] of [
      ['invalid_auth', 'websocket', { ip: '127.0.0.1', reason: 'unknown_token' }],
      ['tcp_auth_failed', 'tcp', { ip: '127.0.0.1', reason: 'unknown_token' }],
      ['rate_limit_exceeded', 'websocket', { bucket: 'messages', limit: 3, windowMs: 60_000 }],
      ['tcp_rate_limit_exceeded', 'tcp', { bucket: 'messages', limit: 3, windowMs: 60_000 }],
      ['connection_limit', 'websocket', limit],
      ['tcp_connection_limit', 'tcp', limit],
      ['invalid_input', 'websocket', invalid],
      ['tcp_invalid_input', 'tcp', invalid],
    ] as const) {
      const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect((await doors.events(event))[0]).toMatchObject({ timestamp: time, event, transport, ...details });
    }
  });
});

/** An address of this machine that is not loopback: what comes from it can be blocked. */
const outside = Object.values(networkInterfaces())
  .flat()
  .find((found) => found && !found.internal && found.family === 'IPv4')?.address;

(outside === undefined ? describe.skip : describe)('an address', () => {
  const host = String(outside);
  const at = { flags: ['--host', host] };
  const settings = { MCP_AUTH_TOKENS: `one:operator:${TOKEN}` };

  it('S2-17 S2-15 that connects too often is blocked for as long as is set, at both doors, and then comes in again', async () => {
    const doors = await open(
      { ...settings, MCP_RATE_LIMIT_CONNECTIONS: '2', MCP_RATE_LIMIT_WINDOW_MS: '1000', MCP_BLOCK_RATE_MS: '3000' },
      at,
    );
    const headers = bearer(TOKEN);
    for (let n = 0; n < 2; n++) await (await doors.webSocket({ headers })).close();
    expect((await RawWebSocket.refusal(doors.wsUrl, { headers })).status).toBe(429);
    const { status, phrase } = await RawWebSocket.refusal(doors.wsUrl, { headers });
    expect([status, phrase]).toEqual([403, 'Forbidden']);
    expect(await (await RawLines.open(doors.tcpPort, { host })).end()).toBe('{"error":"Forbidden"}\n');
    expect((await doors.events('ip_blocked'))[0]).toMatchObject({ ip: host, durationMs: 3_000 });
    expect((await doors.events('blocked_connection'))[0]).toMatchObject({ ip: host, untilMs: expect.any(Number) });
    expect((await doors.events('tcp_blocked_connection'))[0]).toMatchObject({ ip: host, untilMs: expect.any(Number) });
    const socket = await until(async () => {
      const outcome = await RawWebSocket.attempt(doors.wsUrl, { headers });
      return outcome instanceof RawWebSocket && outcome;
    }, 'the end of the block');
    await socket.close();
  });

  it('S2-17 that guesses is let go on where that is off, and after as many failures as are set where it is on', async () => {
    const failures = async (doors: Doors, count: number): Promise<number[]> => {
      const statuses = [];
      for (let n = 0; n < count; n++) {
        statuses.push((await RawWebSocket.refusal(doors.wsUrl, { headers: bearer(`wrong${n}`) })).status);
      }
      return statuses;
    };
    const off = await open({ ...settings, MCP_BLOCK_ENABLED: 'false' }, at);
    expect(await failures(off, 6)).toEqual([401, 401, 401, 401, 401, 401]);
    await (await off.webSocket({ headers: bearer(TOKEN) })).close();
    const five = await open({ ...settings, MCP_BLOCK_MAX_FAILURES: '5' }, at);
    expect(await failures(five, 6)).toEqual([401, 401, 401, 401, 401, 403]);
    // An hour, unless a setting says otherwise.
    expect((await five.events('ip_blocked'))[0]).toMatchObject({ ip: host, durationMs: 3_600_000 });
  });
});

describe('answers', () => {
  it('W-15 W-39 carry the id of what was refused, wherever it can be read', async () => {
    const doors = await open({ MCP_RATE_LIMIT_MAX: '2' });
    const http = new RawHttp(doors.server.url);
    const { session } = await http.initialize();
    for (let id = 1; id <= 2; id++) await http.post(request(id, 'ping'), session);
    const refused = await http.post(request('the id', 'ping'), session);
    expect([refused.status, answerIn(refused.frames).id]).toEqual([429, 'the id']);
    for (const client of [await doors.webSocket(), await doors.lines()]) {
      for (const id of [0, 'text', -7]) client.send(request(id, 'ping'));
      expect((await client.answer(-7)).error).toMatchObject({ code: -32000, message: 'Rate limit exceeded' });
    }
  });
});
