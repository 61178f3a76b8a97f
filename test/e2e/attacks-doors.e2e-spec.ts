import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { TOKEN } from '../support/auth-world.js';
import { initializeParams, type Json, request } from '../support/messages.js';
import { fixture } from '../support/places.js';
import { RawHttp } from '../support/raw-http.js';
import { RawWebSocket } from '../support/raw-websocket.js';
import { within } from '../support/waiting.js';
import { AttackWorld, bearer, LONG_MS, NETWORK_DOORS } from './attack-world.js';
import { exchange, jsonOf, wire, WireConnection, type WireHeaders, type WireResponse } from './http-wire.js';

jest.setTimeout(LONG_MS);

const MALLORY = 'Hj7Ym2Qw9Xc4Vb8Nn5Lp1Rt6Ys3Kd0Gf';
const GOOD = bearer(TOKEN);
const PING = JSON.stringify(request('p', 'ping'));
const PAGES = ['/mcp', '/sse', '/message?sessionId=x', '/tools', '/admin/keys', '/metrics', '/tickets', '/docs'];

describe('attacks at the doors', () => {
  let world: AttackWorld;

  beforeAll(async () => {
    world = await AttackWorld.open({
      plugins: [fixture('auth/index')],
      env: { MCP_AUTH_TOKENS: `root:admin:${TOKEN},mallory:operator:${MALLORY}` },
    });
  }, LONG_MS);

  afterAll(() => world.dispose(), LONG_MS);

  /** Sends one request, byte for byte. */
  function ask(method: string, path: string, headers: WireHeaders, body?: string): Promise<WireResponse> {
    const { url } = world.doors.server;
    return exchange(url, wire(url, { method, path, headers, ...(body !== undefined && { body }) }));
  }

  describe('of pages', () => {
    it('DNS rebinding: a foreign Host gets nowhere, with the right token too', async () => {
      for (const path of PAGES) {
        for (const host of ['evil.example', `evil.example:${world.doors.server.port}`, '127.0.0.1.evil.example']) {
          const answer = await ask('GET', path, { ...GOOD, Host: host });
          expect([path, host, answer.status, kindOf(answer)]).toEqual([path, host, 403, 'forbidden_host']);
        }
      }
      expect((await world.doors.events('host_rejected')).length).toBeGreaterThan(0);
    });

    it('cross-site requests: a foreign Origin gets nowhere, with the right token too', async () => {
      for (const path of PAGES) {
        for (const origin of ['https://evil.example', 'null', `http://localhost.evil.example`]) {
          const answer = await ask('GET', path, { ...GOOD, Origin: origin });
          expect([path, origin, answer.status, kindOf(answer)]).toEqual([path, origin, 403, 'forbidden_origin']);
          expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
        }
      }
      expect((await world.doors.events('origin_rejected')).length).toBeGreaterThan(0);
    });

    it('cross-site WebSockets: neither a token nor a ticket opens one for a foreign page, and the ticket is not used up', async () => {
      const { wsUrl, base } = world.doors;
      const protocol = await world.ticket(TOKEN);
      for (const options of [
        { origin: 'https://evil.example', headers: GOOD },
        { origin: 'https://evil.example', protocols: ['mcp', protocol] },
        { origin: 'null', protocols: ['mcp', protocol] },
        { headers: { Host: 'evil.example' }, protocols: ['mcp', protocol] },
      ]) {
        expect((await RawWebSocket.refusal(wsUrl, options)).status).toBe(403);
      }
      await (await RawWebSocket.open(wsUrl, { origin: base, protocols: ['mcp', protocol] })).close();
    });

    it('forged requests (CSRF): what a form or an image of another site can send changes nothing', async () => {
      const before = (await world.as(TOKEN, 'GET', '/admin/keys')).text;
      const body = '{"name":"x","roles":["admin"]}';
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
        // A browser adds cookies by itself, and no Authorization.
        const headers = { 'Content-Type': type, Cookie: `token=${TOKEN}` };
        expect([type, (await ask('POST', '/admin/keys', headers, body)).status]).toEqual([type, 415]);
        // And were it to: a form is no JSON.
        expect([type, (await ask('POST', '/admin/keys', { ...GOOD, ...headers }, body)).status]).toEqual([type, 422]);
      }
      for (const [method, path] of [
        ['GET', '/admin/keys/x/rotate'],
        ['GET', '/tools/echo/disable'],
      ] as const) {
        expect([path, (await ask(method, path, GOOD)).status]).toEqual([path, 404]);
      }
      expect((await world.as(TOKEN, 'GET', '/admin/keys')).text).toBe(before);
    });
  });

  describe('of strangers', () => {
    /** What is for everyone: whether it is well. */
    const OPEN = new Set(['GET /health', 'GET /health/live', 'GET /health/ready']);

    it('the admin walk: without a credential no route does anything', async () => {
      const { json } = await world.as(TOKEN, 'GET', '/docs-json');
      const routes = Object.entries(json['paths'] as Record<string, Json>).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => [method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'x')] as const),
      );
      expect(routes.length).toBeGreaterThan(30);
      for (const [method, path] of routes) {
        if (OPEN.has(`${method} ${path}`)) continue;
        const answer = await ask(method, path, { 'X-Requested-With': 'x' }, method === 'GET' ? undefined : '{}');
        expect([method, path, answer.status, kindOf(answer)]).toEqual([method, path, 401, 'auth_required']);
      }
      for (const route of OPEN) {
        const answer = await ask('GET', route.slice('GET '.length), {});
        // Neither names of tools and callers, nor what the machine is like.
        expect([route, /whoami|mallory|root|pid|memory|node/i.test(answer.body)]).toEqual([route, false]);
      }
    });

    it('no other spelling of a path, and no header that names another, leads to what is shut', async () => {
      for (const path of [
        '/admin/keys/',
        '//admin/keys',
        '/admin//keys',
        '/ADMIN/keys',
        '/%61dmin/keys',
        '/admin/%6beys',
        '/admin/keys;a=b',
        '/admin/keys%00',
        '/health/../admin/keys',
        '/health/..%2fadmin/keys',
        '/health/%2e%2e/admin/keys',
        '/mcp/../admin/keys',
        '/admin/keys#/health',
        'http://localhost/admin/keys',
      ]) {
        const { status, body } = await ask('GET', path, {});
        expect([path, [400, 401, 403, 404].includes(status), body.includes('"keys"')]).toEqual([path, true, false]);
      }
      for (const name of ['X-Original-URL', 'X-Rewrite-URL', 'X-Forwarded-Uri']) {
        expect(jsonOf(await ask('GET', '/', { [name]: '/admin/keys' }))).not.toHaveProperty('keys');
      }
      for (const name of ['X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override']) {
        const answer = await ask('POST', '/admin/keys', { ...bearer(MALLORY), [name]: 'GET' }, '{}');
        expect([name, answer.status]).toEqual([name, 403]);
      }
    });

    it('a header that only a proxy may send is not believed: neither who calls, nor from where, nor for which host', async () => {
      for (const headers of [
        { 'X-Forwarded-User': 'root' },
        { 'X-Remote-User': 'root', 'Remote-User': 'root' },
        { 'X-Forwarded-For': '127.0.0.1', 'X-Real-IP': '127.0.0.1', Forwarded: 'for=127.0.0.1' },
        { 'X-Client-Cert': 'CN=root', 'X-SSL-Client-S-DN': 'CN=root' },
      ]) {
        expect((await ask('GET', '/admin/keys', headers)).status).toBe(401);
      }
      const { headers } = await ask(
        'POST',
        '/mcp',
        { 'X-Forwarded-Host': 'evil.example', 'X-Forwarded-Proto': 'https' },
        PING,
      );
      expect(JSON.stringify(headers)).not.toContain('evil.example');
    });

    it('header smuggling: of two framings or two credentials none is chosen, and nothing behind them is a request', async () => {
      const { url, port } = world.doors.server;
      const hidden = `DELETE /admin/keys/x HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`;
      const head = `POST /mcp HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: application/json\r\n`;
      for (const lines of [
        `Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
        `Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n${hidden}`,
        `Content-Length: 0\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
        `Transfer-Encoding: xchunked\r\n\r\n${hidden}`,
        `Transfer-Encoding: chunked, identity\r\n\r\n${hidden}`,
        `Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${hidden}`,
        `Content-Length: +0\r\n\r\n${hidden}`,
        `X-Folded: a\r\n Authorization: Bearer ${TOKEN}\r\nContent-Length: 0\r\n\r\n`,
        `X: a\rAuthorization: Bearer ${TOKEN}\r\nContent-Length: 0\r\n\r\n`,
      ]) {
        const connection = await WireConnection.open(url);
        connection.send(head + lines);
        const first = await connection.response();
        expect([lines, first.status]).toEqual([lines, 400]);
        expect(await connection.closed()).toBe('');
      }
      const { json } = await world.as(TOKEN, 'GET', '/admin/audit?type=admin&limit=500');
      expect(
        (json['records'] as Json[]).filter(
          ({ action, principal }) => `${String(action)} ${String(principal)}` === 'key.revoke gatehouse/root',
        ),
      ).toEqual([]);
    });

    it('two credentials in one request, in two headers or in one, are refused or are the first', async () => {
      const both = { Authorization: [`Bearer ${MALLORY}`, `Bearer ${TOKEN}`] };
      expect((await ask('GET', '/admin/keys', both)).status).not.toBe(200);
      expect((await ask('GET', '/admin/keys', { Authorization: `Bearer ${MALLORY}, Bearer ${TOKEN}` })).status).toBe(
        401,
      );
      expect((await ask('GET', '/admin/keys', { Authorization: `Bearer ${MALLORY} ${TOKEN}` })).status).toBe(401);
    });
  });

  describe('of other callers', () => {
    it('session hijack: what one caller opened is nothing to another, at any method of any door', async () => {
      const { session } = await world.http.initialize('2025-11-25', GOOD);
      const theirs = { ...session, ...bearer(MALLORY) };
      const made = await world.http.post(PING, { ...bearer(MALLORY), 'Mcp-Session-Id': 'made-up' });
      const refused = await world.http.post(PING, theirs);
      expect([refused.status, kindsOf(refused.text)]).toEqual([404, kindsOf(made.text)]);
      expect((await world.http.delete(theirs)).status).toBe(404);
      for (const headers of [theirs, { ...theirs, 'Last-Event-ID': '1' }]) {
        const stream = await world.http.stream(headers);
        expect(stream.status).toBe(404);
        await stream.closed;
      }
      expect((await world.http.post(PING, session)).status).toBe(200);
      await world.doors.events('session_hijack_attempt');
    });

    it('session hijack over legacy SSE: nobody posts into the stream of another', async () => {
      const stream = await new RawHttp(world.doors.sseUrl).stream(GOOD);
      const [, endpoint = ''] = await stream.said(/^event: endpoint\ndata: (\S+)\n/);
      const url = new URL(endpoint, world.doors.base);
      const body = JSON.stringify(request('evil', 'initialize', initializeParams('2024-11-05')));
      for (const headers of [{}, bearer(MALLORY)]) {
        const { status } = await fetch(url, {
          method: 'POST',
          body,
          headers: { 'Content-Type': 'application/json', ...headers },
        });
        expect([401, 403, 404]).toContain(status);
      }
      expect(stream.text).not.toContain('evil');
      await stream.leave();
    });

    it('session fixation: a client cannot choose the id of its session', async () => {
      const chosen = await world.http.initialize('2025-11-25', { ...GOOD, 'Mcp-Session-Id': 'chosen-by-me' });
      expect(chosen.status).toBe(400);
    });

    it('an open connection does not become that of another', async () => {
      const lines = await world.doors.lines();
      await lines.request('auth', 'authenticate', { token: MALLORY });
      await lines.initialize();
      const answer = await lines.request('again', 'authenticate', { token: TOKEN });
      expect(answer.error).toMatchObject({ message: 'Authentication failed' });
      await within(lines.ended, 'the end of the connection');
    });

    it('ticket replay: a ticket opens one WebSocket, as whom it was given to, and none of REST', async () => {
      const protocol = await world.ticket(MALLORY);
      const socket = await world.doors.webSocket({ protocols: ['mcp', protocol] });
      await socket.initialize();
      const { result } = await socket.callTool(1, 'whoami');
      expect(JSON.stringify(result)).toContain('mallory');
      const { wsUrl } = world.doors;
      expect((await RawWebSocket.refusal(wsUrl, { protocols: ['mcp', protocol] })).status).toBe(401);
      const unused = (await world.ticket(TOKEN)).slice('ticket.'.length);
      for (const door of NETWORK_DOORS) {
        expect([door, await world.knock(door, unused)]).toMatchObject([door, { kind: 'auth_failed' }]);
      }
      const forged = `ticket.${unused.slice(0, -6)}AAAAAA`;
      expect((await RawWebSocket.refusal(wsUrl, { protocols: ['mcp', forged] })).status).toBe(401);
      await socket.close();
    });
  });
});

describe('a stranger who guesses, behind a proxy', () => {
  let world: AttackWorld;

  beforeAll(async () => {
    world = await AttackWorld.open({
      flags: ['--trusted-proxy', '127.0.0.1'],
      env: { MCP_AUTH_TOKENS: `root:admin:${TOKEN}` },
    });
  }, LONG_MS);

  afterAll(() => world.dispose(), LONG_MS);

  const from = (forwarded: string, token: string): Promise<number> =>
    world.http.post(PING, { ...bearer(token), 'X-Forwarded-For': forwarded }).then(({ status }) => status);

  it('brute force: is blocked at every door, whatever addresses they claim to come from', async () => {
    const attacker = '203.0.113.9';
    const statuses: number[] = [];
    // The proxy adds the last address; those before are the attacker's own words.
    for (let at = 0; at < 4; at++) statuses.push(await from(`198.51.100.${at}, ${attacker}`, `${TOKEN}${at}`));
    expect(statuses).toEqual([401, 401, 401, 403]);
    const headers = { ...GOOD, 'X-Forwarded-For': `192.0.2.1, ${attacker}` };
    for (const path of ['/sse', '/tools', '/admin/keys']) {
      expect([path, (await world.rest.send('GET', path, { headers })).status]).toEqual([path, 403]);
    }
    expect((await RawWebSocket.refusal(world.doors.wsUrl, { headers })).status).toBe(403);
    await world.doors.events('ip_blocked');
    await world.doors.events('blocked_connection');
  });

  it('brute force: an attacker has nobody else blocked by claiming to be them', async () => {
    for (let at = 0; at < 5; at++) await from(`198.51.100.77, 203.0.113.50`, `${TOKEN}x${at}`);
    expect(await from('198.51.100.77', TOKEN)).not.toBe(403);
    // What stands in the header and is no address is nobody.
    for (const forwarded of ['', 'unknown', '::1, x', '127.0.0.1', "' OR 1=1", '9'.repeat(3_000)]) {
      expect([400, 403, 404, 431]).toContain(await from(`${forwarded}, 203.0.113.50`, TOKEN));
    }
    expect(await from('198.51.100.78', TOKEN)).not.toBe(403);
  });
});

function kindOf(answer: WireResponse): unknown {
  const json = jsonOf(answer);
  const { error } = json as { error?: { data?: Json } };
  return error?.data?.['kind'] ?? json['kind'];
}

/** What is told of a refusal, without the id of the request. */
function kindsOf(text: string): string {
  return text.replace(/req-[0-9a-f-]{36}/, 'req');
}
