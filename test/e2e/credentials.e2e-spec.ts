import { createHash } from 'node:crypto';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { TOKEN } from '../support/auth-world.js';
import { BuiltServer } from '../support/built-server.js';
import { Doors } from '../support/live-doors.js';
import type { Message } from '../support/messages.js';
import { temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { RawHttp } from '../support/raw-http.js';
import { RawWebSocket } from '../support/raw-websocket.js';
import { RestClient } from '../support/rest-client.js';
import { PATIENCE_MS } from '../support/waiting.js';

const LONG_MS = 4 * PATIENCE_MS;
jest.setTimeout(LONG_MS);

const turned = (by: number): string => TOKEN.slice(by) + TOKEN.slice(0, by);
const [OF_WS, OF_TCP] = [turned(3), turned(5)];
const HASHED = `ghk_build_${TOKEN}${turned(7)}`;
const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });
const subProtocol = (token: string): string => `bearer.${Buffer.from(token).toString('base64url')}`;
const digest = (token: string): string => createHash('sha256').update(token).digest('hex');

describe('credentials at each door', () => {
  let doors: Doors;

  beforeAll(async () => {
    doors = await Doors.open({
      env: {
        MCP_AUTH_TOKENS: `any:operator:${TOKEN},relay:operator:${OF_WS}:websocket,lines:operator:${OF_TCP}:tcp`,
        MCP_API_KEYS: `build:${digest(HASHED)}:viewer`,
      },
    });
  }, LONG_MS);
  afterAll(() => doors.dispose());

  /** What the TCP door says to a token. */
  async function authenticate(token: string): Promise<Message> {
    const lines = await doors.lines();
    const answer = await lines.request('auth', 'authenticate', { token });
    lines.leave();
    return answer;
  }

  it('S2-7 a WebSocket is refused with 401 Unauthorized and an event, and open for who has a token', async () => {
    for (const headers of [{}, bearer(`${TOKEN}x`), { Authorization: `Basic ${TOKEN}` }] as Record<string, string>[]) {
      const { status, phrase, headers: given } = await RawWebSocket.refusal(doors.wsUrl, { headers });
      expect([status, phrase, given['www-authenticate']?.startsWith('Bearer ')]).toEqual([401, 'Unauthorized', true]);
    }
    const told = (await doors.events('invalid_auth', 3)).filter(({ transport }) => transport === 'websocket');
    expect(told).toMatchObject([
      { ip: '127.0.0.1', reason: 'missing_credential' },
      { ip: '127.0.0.1', reason: 'unknown_token' },
      { ip: '127.0.0.1', reason: expect.any(String) },
    ]);
    const socket = await doors.webSocket({ headers: bearer(TOKEN) });
    expect((await socket.initialize()).result).toBeDefined();
    const [success] = (await doors.events('auth_success')).filter(({ transport }) => transport === 'websocket');
    expect(success).toMatchObject({ principal: 'gatehouse/any' });
    await socket.close();
  });

  it('S2-8 a page offers its token as a sub-protocol, and mcp alone is selected; a URL carries none', async () => {
    const socket = await doors.webSocket({ protocols: ['mcp', subProtocol(TOKEN)] });
    expect(socket.ws.protocol).toBe('mcp');
    expect((await socket.initialize()).result).toBeDefined();
    await socket.close();
    expect((await RawWebSocket.refusal(doors.wsUrl, { protocols: ['mcp', subProtocol('wrong')] })).status).toBe(401);
    expect((await RawWebSocket.refusal(`${doors.wsUrl}?token=${TOKEN}&access_token=${TOKEN}`)).status).toBe(401);
  });

  it('S2-12 W-7 a token of TCP opens TCP alone, one of WebSockets those alone, and one of neither both', async () => {
    const opens = async (token: string): Promise<readonly unknown[]> => {
      const outcome = await RawWebSocket.attempt(doors.wsUrl, { headers: bearer(token) });
      if (outcome instanceof RawWebSocket) await outcome.close();
      const { status } = await new RawHttp(doors.server.url).initialize('2025-11-25', bearer(token));
      return [outcome instanceof RawWebSocket, (await authenticate(token)).result !== undefined, status];
    };
    expect(await opens(TOKEN)).toEqual([true, true, 200]);
    expect(await opens(OF_WS)).toEqual([true, false, 401]);
    expect(await opens(OF_TCP)).toEqual([false, true, 401]);
    expect((await authenticate(OF_WS)).error).toMatchObject({ code: -32000, message: 'Authentication failed' });
  });

  it('W-7 the settings hold the hash of a key, which opens no door; the key itself opens each', async () => {
    expect((await authenticate(HASHED)).result).toEqual({ authenticated: true });
    expect((await authenticate(digest(HASHED))).error).toMatchObject({ message: 'Authentication failed' });
    const status = async (token: string): Promise<number> =>
      (await new RestClient(doors.base).get('/tools', bearer(token))).status;
    expect([await status(HASHED), await status(digest(HASHED)), await status('build')]).toEqual([200, 401, 401]);
  });

  it('S2-13 a token that is made has 32 random bytes, and is another one each time', async () => {
    const make = async (): Promise<string> => {
      const args = ['keys', 'create', 'made', '--role', 'viewer', '--state-dir', doors.server.stateDir];
      return (await Program.run({ args, cwd: doors.server.stateDir })).stdout.trim();
    };
    const tokens = [await make(), await make()];
    for (const token of tokens) {
      const [, secret = ''] = /^ghk_[a-z0-9]{10}_([\w-]+)$/.exec(token) ?? [];
      expect(Buffer.from(secret, 'base64url').length).toBeGreaterThanOrEqual(32);
      expect((await authenticate(token)).result).toEqual({ authenticated: true });
    }
    expect(new Set(tokens).size).toBe(2);
  });
});

describe('whether anybody is asked', () => {
  it.each([
    ['true', 401],
    ['1', 401],
    ['Yes', 401],
    ['ON', 401],
    ['false', 200],
    ['off', 200],
  ])('W-7 MCP_AUTH_ENABLED=%s answers a stranger %d', async (said, status) => {
    const server = await BuiltServer.start({
      env: { MCP_AUTH_ENABLED: said, ...(status === 401 && { MCP_AUTH_TOKENS: `any:operator:${TOKEN}` }) },
    });
    try {
      expect((await new RawHttp(server.url).initialize()).status).toBe(status);
    } finally {
      await server.dispose();
    }
  });
});

/** An address of this machine that is not loopback. */
const outside = Object.values(networkInterfaces())
  .flat()
  .find((found) => found && !found.internal && found.family === 'IPv4')?.address;

/** Whether anything listens there. */
function isReached(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}

describe('a server that was told nothing', () => {
  it('W-6 listens on loopback alone, at every door', async () => {
    const doors = await Doors.open();
    try {
      for (const port of [doors.server.port, doors.tcpPort]) {
        expect(await isReached('127.0.0.1', port)).toBe(true);
        if (outside !== undefined) expect(await isReached(outside, port)).toBe(false);
      }
    } finally {
      await doors.dispose();
    }
  });

  it('W-6 does not listen where others reach it, unless callers prove who they are', async () => {
    const folder = await temporaryFolder();
    const args = ['serve', '--transport', 'http,tcp', '--port', '0', '--tcp-port', '0', '--host', '0.0.0.0'];
    const refused = await Program.run({ args, cwd: folder.path });
    await folder.remove();
    expect([refused.code, refused.stdout]).toEqual([78, '']);
    expect(refused.stderr).toContain('The host 0.0.0.0 is not loopback');
    const asked = await BuiltServer.start({
      flags: ['--host', '0.0.0.0'],
      env: { MCP_AUTH_TOKENS: `any:operator:${TOKEN}` },
    });
    try {
      expect((await new RawHttp(asked.url).initialize()).status).toBe(401);
      expect((await new RawHttp(asked.url).initialize('2025-11-25', bearer(TOKEN))).status).toBe(200);
    } finally {
      await asked.dispose();
    }
  });

  it('W-6 W-33 asks for roles to switch, to show settings and to execute', async () => {
    const server = await BuiltServer.start({
      env: { MCP_AUTH_TOKENS: `see:viewer:${TOKEN},do:operator:${OF_WS},own:admin:${OF_TCP}` },
    });
    try {
      const rest = new RestClient(server.url);
      const statuses = async (token: string): Promise<number[]> => {
        const as = bearer(token);
        return [
          (await rest.post('/tools/echo/disable', {}, as)).status,
          (await rest.post('/tools/echo/enable', {}, as)).status,
          (await rest.get('/config', as)).status,
          (await rest.post('/tools/list_files/execute', { path: '.' }, as)).status,
        ];
      };
      expect(await statuses('nobody')).toEqual([401, 401, 401, 401]);
      // What a viewer may not use, they are not told of.
      expect(await statuses(TOKEN)).toEqual([403, 403, 403, 404]);
      expect(await statuses(OF_WS)).toEqual([403, 403, 403, 200]);
      expect(await statuses(OF_TCP)).toEqual([200, 200, 200, 200]);
    } finally {
      await server.dispose();
    }
  });
});
