import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import { Injectable, Logger } from '@nestjs/common';
import { TOKEN } from '../../../test/support/auth-world.js';
import { type Answer, DispatchWorld, envelope } from '../../../test/support/dispatch-world.js';
import { type Answered, MemoryHttp } from '../../../test/support/memory-http.js';
import { Revocations } from '../../auth/index.js';
import { ProtocolError } from '../../common/index.js';
import type { ConfigOverrides } from '../../config/index.js';
import { SessionService } from '../../session/index.js';
import { Tool, type ToolContext } from '../../tools/index.js';
import { TransportModule } from '../transport.module.js';
import { HttpLane } from './http-lane.js';

@Injectable()
class Tools {
  @Tool()
  deploy(): string {
    const data = { requiredScopes: ['deploy:write', 'a"b\r\nX-Injected: 1', 7, 'deploy:read'] };
    throw new ProtocolError('insufficient_scope', 'This needs the scope deploy:write', { data });
  }

  @Tool()
  late(_args: unknown, context: ToolContext): string {
    context.progress(1);
    throw new ProtocolError('insufficient_scope', 'Too late', { data: { requiredScopes: ['x'] } });
  }
}

const OTHER = 'Pw2nXv8Rk5Tz0Lb7Jc3Hs9Gd1Mf6Qy4A';
const AUTH = { tokens: `alice:operator:${TOKEN},bob:operator:${OTHER}` };
const BEARER = { authorization: `Bearer ${TOKEN}` };
const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'spec', version: '1' } },
};
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };

let world: DispatchWorld;
let http: MemoryHttp;

async function open(settings: ConfigOverrides = {}): Promise<Server> {
  world = await DispatchWorld.open({
    settings: { ...settings, auth: { enabled: true, ...AUTH, ...settings.auth } },
    providers: [Tools],
    imports: [TransportModule],
  });
  const listener = createServer((_req, res) => res.writeHead(418).end('the rest'));
  world.get(HttpLane).attach(listener);
  http = new MemoryHttp(listener);
  return listener;
}

beforeEach(() => {
  for (const level of ['log', 'debug', 'warn', 'error'] as const)
    jest.spyOn(Logger.prototype, level).mockReturnValue(undefined);
});

afterEach(async () => {
  await world.close();
  jest.restoreAllMocks();
});

const kindOf = ({ text }: Answered): unknown => (JSON.parse(text) as Answer).error?.data['kind'];

async function sessionOf(headers: Record<string, string>): Promise<Record<string, string>> {
  const { headers: answered } = await http.ask({ body: INITIALIZE, headers });
  return { 'mcp-session-id': String(answered['mcp-session-id']) };
}

describe('the HTTP door, with authentication', () => {
  it.each(['POST', 'GET', 'DELETE'])(
    'S2-7 answers %s without a credential with 401 and a challenge',
    async (method) => {
      await open();
      const answer = await http.ask({ method, headers: { accept: 'text/event-stream' } });
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer realm="gatehouse"']);
      expect((JSON.parse(answer.text) as Answer).error).toMatchObject({
        code: -32000,
        message: 'Authentication required',
        data: { kind: 'auth_required' },
      });
    },
  );

  it('S2-7 answers a wrong credential with 401 and why, as OAuth says it', async () => {
    await open();
    const answer = await http.ask({ body: INITIALIZE, headers: { authorization: `Bearer ${TOKEN}x` } });
    expect([answer.status, kindOf(answer)]).toEqual([401, 'auth_failed']);
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="gatehouse", error="invalid_token"');
    expect((JSON.parse(answer.text) as Answer).error?.message).toBe('Authentication failed');
  });

  it('RFC 9728 names the document of the resource, and the scopes, where there is a public URL', async () => {
    await open({
      server: { publicUrl: 'https://mcp.example.com' },
      auth: { scopesSupported: ['tools:use', 'tools:manage'] },
    });
    const answer = await http.ask({ body: INITIALIZE });
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer realm="gatehouse", ' +
        'resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp", ' +
        'scope="tools:use tools:manage"',
    );
  });

  it('lets in who has one, and nobody else into their session', async () => {
    await open();
    const session = await sessionOf(BEARER);
    expect((await http.ask({ body: ping, headers: { ...BEARER, ...session } })).status).toBe(200);
    const other = await http.ask({ body: ping, headers: { ...session, authorization: `Bearer ${OTHER}` } });
    expect([other.status, kindOf(other)]).toEqual([404, 'session_not_found']);
    expect(world.security.names).toContain('session_hijack_attempt');
    // Before any session is looked at: a stranger learns nothing of ids.
    for (const id of [session['mcp-session-id'], 'nonsense']) {
      const stranger = await http.ask({ body: ping, headers: { 'mcp-session-id': String(id) } });
      expect([stranger.status, kindOf(stranger)]).toEqual([401, 'auth_required']);
    }
  });

  it('D-10 ends the sessions, and their streams, of whoever is revoked', async () => {
    await open();
    const [alice, bob] = [await sessionOf(BEARER), await sessionOf({ authorization: `Bearer ${OTHER}` })];
    const stream = await http.open({
      method: 'GET',
      headers: { ...BEARER, ...alice, accept: 'text/event-stream' },
    });
    expect(stream.status).toBe(200);
    const target = { kind: 'principal', issuer: 'gatehouse', subject: 'alice' } as const;
    await world.get(Revocations).revoke(target, 'spec');
    await stream.ended;
    expect((await http.ask({ body: ping, headers: { ...BEARER, ...alice } })).status).toBe(401);
    expect((await http.ask({ body: ping, headers: { authorization: `Bearer ${OTHER}`, ...bob } })).status).toBe(200);
    expect(world.get(SessionService).count).toBe(1);
    // What is taken back does not bring sessions back.
    expect(await world.get(Revocations).lift(target, 'spec')).toBe(true);
    expect((await http.ask({ body: ping, headers: { ...BEARER, ...alice } })).status).toBe(404);
  });

  it('D-10 ends one session alone, by its hash', async () => {
    await open();
    const [one, other] = [await sessionOf(BEARER), await sessionOf(BEARER)];
    const { idHash } = world.get(SessionService).peek(one['mcp-session-id'] as string, {
      issuer: 'gatehouse',
      subject: 'alice',
      roles: [],
      isAuthenticated: true,
    }) as { idHash: string };
    await world.get(Revocations).revoke({ kind: 'session', id: idHash }, 'spec');
    const statuses = await Promise.all(
      [one, other].map((session) => http.ask({ body: ping, headers: { ...BEARER, ...session } })),
    );
    expect(statuses.map(({ status }) => status)).toEqual([404, 200]);
  });
});

describe('the HTTP door, where a scope is missing', () => {
  const call = (name: string): object => ({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name, arguments: {} },
  });

  it('D-13 answers 403 with the scopes to ask for, and nothing that is none', async () => {
    await open({ server: { publicUrl: 'https://mcp.example.com' } });
    const answer = await http.ask({ body: call('deploy'), headers: { ...BEARER, ...(await sessionOf(BEARER)) } });
    expect([answer.status, kindOf(answer)]).toEqual([403, 'insufficient_scope']);
    expect(answer.headers['www-authenticate']).toBe(
      'Bearer realm="gatehouse", error="insufficient_scope", scope="deploy:write deploy:read", ' +
        'resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"',
    );
  });

  it('D-13 does so in 2026-07-28', async () => {
    await open();
    const params = { name: 'deploy', arguments: {}, _meta: envelope() };
    const answer = await http.ask({
      body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params },
      headers: {
        ...BEARER,
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/call',
        'mcp-name': 'deploy',
      },
    });
    expect([answer.status, kindOf(answer)]).toEqual([403, 'insufficient_scope']);
    expect(answer.headers['www-authenticate']).toContain('scope="deploy:write deploy:read"');
  });

  it('D-13 says it in the stream where one is open already', async () => {
    await open();
    const body = { ...call('late'), params: { name: 'late', arguments: {}, _meta: { progressToken: 1 } } };
    const answer = await http.ask({ body, headers: { ...BEARER, ...(await sessionOf(BEARER)) } });
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([200, undefined]);
    expect(answer.text).toContain('"kind":"insufficient_scope"');
  });
});

describe('the documents of the resource', () => {
  const PATH = '/.well-known/oauth-protected-resource';
  const settings: ConfigOverrides = {
    server: { publicUrl: 'https://mcp.example.com' },
    auth: {
      jwksUrl: 'https://login.example.com/jwks',
      authorizationServers: ['https://login.example.com'],
      scopesSupported: ['tools:use'],
    },
  };

  it.each([
    [PATH, 'https://mcp.example.com/'],
    [`${PATH}/mcp`, 'https://mcp.example.com/mcp'],
    [`${PATH}/mcp?x`, 'https://mcp.example.com/mcp'],
  ])('RFC 9728 at %s name %s, to everybody and any page', async (path, resource) => {
    await open(settings);
    const answer = await http.ask({ method: 'GET', path, headers: { origin: 'https://evil.example', host: 'any' } });
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, '*']);
    expect(JSON.parse(answer.text)).toEqual({
      resource,
      authorization_servers: ['https://login.example.com'],
      scopes_supported: ['tools:use'],
      bearer_methods_supported: ['header'],
      resource_name: 'gatehouse',
    });
  });

  it('RFC 9728 answer to a browser that asks first, to HEAD, and to nothing that would change them', async () => {
    await open(settings);
    const ask = (method: string): Promise<Answered> => http.ask({ method, path: PATH });
    expect(await ask('OPTIONS')).toMatchObject({
      status: 204,
      headers: { 'access-control-allow-methods': 'GET, HEAD' },
    });
    expect(await ask('HEAD')).toMatchObject({ status: 200, text: '' });
    expect(await ask('POST')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD, OPTIONS' } });
  });

  it('stand under the path of the public URL too, and under no other', async () => {
    await open({ ...settings, server: { publicUrl: 'https://example.com/gate/' } });
    const at = async (path: string): Promise<unknown> => {
      const { status, text } = await http.ask({ method: 'GET', path });
      return status === 200 ? (JSON.parse(text) as { resource: string }).resource : status;
    };
    expect(await at(`${PATH}/gate/mcp`)).toBe('https://example.com/gate/mcp');
    expect(await at(`${PATH}/mcp`)).toBe('https://example.com/gate/mcp');
    expect(await at(`${PATH}/gate`)).toBe('https://example.com/gate');
    expect(await at(`${PATH}/other`)).toBe(418);
  });

  it('are nowhere where there is no public URL, or nobody has to prove anything', async () => {
    await open();
    expect((await http.ask({ method: 'GET', path: PATH })).status).toBe(418);
    await world.close();
    await open({ server: { publicUrl: 'https://mcp.example.com' }, auth: { enabled: false } });
    expect((await http.ask({ method: 'GET', path: PATH })).status).toBe(418);
  });
});
