import { X509Certificate } from 'node:crypto';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { makeAuthority, makeClientPair, makeServerPair, type Pair, writePair } from '../support/certificates.js';
import { Doors } from '../support/live-doors.js';
import { initializeParams, request } from '../support/messages.js';
import { fixture, type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { RawWebSocket } from '../support/raw-websocket.js';
import { secureAsk, secureStream } from '../support/secure-http.js';
import { PATIENCE_MS } from '../support/waiting.js';

// Each test starts the program.
jest.setTimeout(4 * PATIENCE_MS);

const INITIALIZE = request('init', 'initialize', initializeParams('2024-11-05'));

let folder: TemporaryFolder;
let [first, second, authority, foreign, alice, bob, mallory]: Pair[] = [];
let doors: Doors;
let names = 0;

beforeAll(async () => {
  folder = await temporaryFolder();
  [first, second, authority, foreign] = await Promise.all([
    makeServerPair([]),
    makeServerPair([]),
    makeAuthority(),
    makeAuthority(),
  ]);
  [alice, bob, mallory] = await Promise.all([
    makeClientPair('alice', authority),
    makeClientPair('bob', authority),
    makeClientPair('mallory', foreign),
  ]);
  await writePair(folder.path, 'client-ca', authority);
});

afterEach(() => doors.dispose());
afterAll(() => folder.remove());

/** Starts a server with a certificate, and every door of the network. @returns where its pair is */
async function start(flags: readonly string[] = [], env: Record<string, string> = {}): Promise<Pair> {
  const paths = await writePair(join(folder.path, `server-${names++}`), 'server', first as Pair);
  doors = await Doors.open({
    flags: ['--ssl-cert', paths.cert, '--ssl-key', paths.key, ...flags],
    plugins: [fixture('contract/index'), fixture('auth/index')],
    env,
  });
  return paths;
}

const trusting = (pair: Pair | undefined = first) => ({ ca: pair?.cert ?? '' });
const as = (pair: Pair | undefined) => ({ cert: pair?.cert ?? '', key: pair?.key ?? '' });
const fingerprintOf = (pair: Pair | undefined): string => new X509Certificate(pair?.cert ?? '').fingerprint256;
const shownOn = (socket: unknown): string | undefined => (socket as TLSSocket).getPeerX509Certificate()?.fingerprint256;

describe('S0-14 doors of a server with a certificate', () => {
  it('S1-4 K-25 all speak TLS, and are told of so', async () => {
    await start();
    const { stderr } = doors.server;
    for (const endpoint of ['MCP endpoint:   https', 'WebSocket endpoint: wss', 'SSE endpoint: https']) {
      expect(stderr).toContain(`${endpoint}://127.0.0.1:${doors.server.port}/`);
    }
    expect(stderr).toContain(`  TCP endpoint: tls://127.0.0.1:${doors.tcpPort}`);
    expect(stderr).not.toMatch(/ (http|ws|tcp):\/\//);
  });

  it('S0-14 serve WebSockets at the port of HTTPS, and none that are plain', async () => {
    await start();
    expect(doors.wsUrl).toMatch(/^wss:/);
    const socket = await doors.webSocket(trusting());
    expect((await socket.initialize()).result).toBeDefined();
    expect(await socket.callTool(1, 'echo', { message: 'hidden' })).toMatchObject({
      result: { content: [{ text: expect.stringContaining('hidden') as unknown }] },
    });
    await expect(RawWebSocket.open(doors.wsUrl)).rejects.toThrow('self-signed');
    await expect(RawWebSocket.open(doors.wsUrl.replace('wss', 'ws'))).rejects.toThrow();
    const refused = await RawWebSocket.refusal(doors.wsUrl, { ...trusting(), origin: 'https://evil.example' });
    expect(refused.status).toBe(403);
    const own = { ...trusting(), origin: new URL(doors.base).origin };
    expect((await (await doors.webSocket(own)).initialize()).result).toBeDefined();
    expect((await socket.request(2, 'ping')).result).toEqual({});
  });

  it('S2-1 serve lines over TLS, also for a script that says all that it has to say and waits', async () => {
    await start();
    const client = await doors.lines(trusting());
    expect((await client.initialize()).result).toBeDefined();
    expect((await client.callTool(1, 'echo', { message: 'hidden' })).result).toBeDefined();
    const script = await doors.lines(trusting());
    script.send(request(1, 'ping'));
    script.finish();
    expect(JSON.parse(await script.end())).toMatchObject({ id: 1, result: {} });
    const plain = connectPlain(doors.tcpPort, '127.0.0.1');
    plain.on('error', () => undefined).write(`${JSON.stringify(request(1, 'ping'))}\n`);
    let received = '';
    plain.on('data', (bytes) => (received += bytes.toString('latin1')));
    await new Promise((resolve) => plain.on('close', resolve));
    expect(received).not.toContain('jsonrpc');
    expect((await client.request(2, 'ping')).result).toEqual({});
  });

  it('S1-14 S2-39 serve legacy SSE with the security headers of the endpoint', async () => {
    await start();
    const stream = await secureStream(doors.sseUrl, trusting());
    const [, endpoint = ''] = await stream.said(/^event: endpoint\ndata: (\S+)\n\n/);
    const posted = await secureAsk(new URL(endpoint, doors.base).href, { ...trusting(), body: INITIALIZE });
    expect(posted.status).toBe(202);
    await stream.said(/^data: \{"jsonrpc":"2.0","id":"init","result"/m);
    for (const headers of [Object.fromEntries(stream.headers), posted.headers]) {
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'strict-transport-security': 'max-age=31536000',
      });
    }
    await stream.leave();
  });

  it('serve a request that asks for another protocol, as without TLS', async () => {
    await start();
    const headers = { Connection: 'Upgrade', Upgrade: 'example/1' };
    const answer = await secureAsk(doors.server.url, { ...trusting(), body: INITIALIZE, headers });
    expect([answer.status, answer.text]).toEqual([200, expect.stringContaining('serverInfo')]);
  });

  it('use a certificate that is replaced for who comes from then on, and keep who is there', async () => {
    const paths = await start();
    const [lines, socket] = [await doors.lines(trusting()), await doors.webSocket(trusting())];
    expect(shownOn(lines.socket)).toBe(fingerprintOf(first));
    await writePair(join(paths.cert, '..'), 'server', second as Pair);
    process.kill(doors.server.pid, 'SIGHUP');
    await doors.server.said(/SSL\/TLS certificate taken anew/);
    expect(shownOn((await doors.lines(trusting(second))).socket)).toBe(fingerprintOf(second));
    expect((await (await doors.webSocket(trusting(second))).initialize()).result).toBeDefined();
    expect((await lines.initialize()).result).toBeDefined();
    expect((await socket.initialize()).result).toBeDefined();
  });

  it('S2-32 K-36 say goodbye as without TLS', async () => {
    await start();
    const [lines, socket] = [await doors.lines(trusting()), await doors.webSocket(trusting())];
    const stream = await secureStream(doors.sseUrl, trusting());
    await Promise.all([lines.initialize(), socket.initialize(), stream.said(/event: endpoint/)]);
    const exit = doors.server.stop('SIGTERM');
    expect(await socket.closed).toEqual({ code: 1001, reason: 'Server shutting down' });
    await stream.said(/^retry: 1000$/m);
    await stream.closed;
    await lines.end();
    expect(await exit).toEqual({ code: 0, signal: null });
    expect(await doors.events('server_shutdown')).toMatchObject([{ activeConnections: 3 }]);
  });
});

describe('S0-28 client certificates at every door', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('are required where a CA is given, over %s', async (maxVersion) => {
    await start(['--ssl-client-ca', join(folder.path, 'client-ca.crt')]);
    const tls = { ...trusting(), maxVersion };
    const lines = await doors.lines({ ...tls, ...as(alice) });
    expect((await lines.initialize()).result).toBeDefined();
    const socket = await doors.webSocket({ ...tls, ...as(alice) });
    expect((await socket.initialize()).result).toBeDefined();
    for (const client of [{}, as(mallory)]) {
      // With TLS 1.3 a client is told only after it has begun to talk.
      const refused = doors.lines({ ...tls, ...client }).then((stranger) => stranger.initialize());
      await expect(refused).rejects.toThrow();
      await expect(doors.webSocket({ ...tls, ...client })).rejects.toThrow();
    }
    expect((await doors.events('invalid_auth', 4)).length).toBe(4);
    expect((await lines.request(1, 'ping')).result).toEqual({});
  });

  it('K-26 S0-28 say who calls and with which roles, at every door, and are no credential of whom no role is given', async () => {
    await start(['--ssl-client-ca', join(folder.path, 'client-ca.crt')], {
      MCP_AUTH_ENABLED: 'true',
      MCP_TLS_CLIENT_ROLES: 'alice=operator',
    });
    const byAlice = { ...trusting(), ...as(alice) };
    const [lines, socket] = [await doors.lines(byAlice), await doors.webSocket(byAlice)];
    for (const client of [lines, socket]) {
      await client.initialize();
      const [content] = (await client.callTool('who', 'whoami', {})).result?.['content'] as { text: string }[];
      expect(JSON.parse(content?.text ?? '')).toMatchObject({
        issuer: 'mtls',
        subject: expect.stringMatching(/^CN=alice/),
        roles: ['operator'],
      });
    }
    const statusOf = async (path: string, pair: Pair | undefined): Promise<number> =>
      (await secureAsk(`${doors.base}${path}`, { ...trusting(), ...as(pair) })).status;
    expect([await statusOf('/tools', alice), await statusOf('/tools', bob)]).toEqual([200, 401]);
    const asked = (pair: Pair | undefined) =>
      secureAsk(`${doors.base}/mcp`, { ...trusting(), ...as(pair), body: INITIALIZE });
    expect([(await asked(alice)).status, (await asked(bob)).status]).toEqual([200, 401]);
    const stranger = await doors.lines({ ...trusting(), ...as(bob) });
    expect((await stranger.request(1, 'ping')).error).toMatchObject({ message: 'Authentication required' });
    stranger.leave();
    await expect(doors.webSocket({ ...trusting(), ...as(bob) })).rejects.toThrow();
  });
});
