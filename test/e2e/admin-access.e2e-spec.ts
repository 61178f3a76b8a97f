import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { BuiltServer } from '../support/built-server.js';
import { type Json, request } from '../support/messages.js';
import type { RestAnswer, RestClient } from '../support/rest-client.js';
import { until } from '../support/waiting.js';
import { exchange, jsonOf, wire, type WireResponse } from './http-wire.js';
import { endServersAfterwards, expectProblem, LONG_MS, remove, start } from './rest-world.js';

endServersAfterwards();

describe('REST: who may what', () => {
  const roles = ['viewer', 'operator', 'admin'] as const;
  const rest = new Map<string, RestClient>();
  const servers = new Map<string, BuiltServer>();
  let routes: { readonly method: string; readonly path: string }[];

  beforeAll(async () => {
    for (const role of roles) {
      const started = await start({ MCP_ANONYMOUS_ROLE: role });
      rest.set(role, started.rest);
      servers.set(role, started.server);
    }
    const { json } = (await rest.get('admin')?.get('/docs-json')) as RestAnswer;
    routes = Object.entries(json['paths'] as Record<string, Json>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path: path.replaceAll(/\{\w+\}/g, 'x') })),
    );
  }, LONG_MS);

  const statusOf = async (role: string, method: string, path: string): Promise<number> => {
    if (path === '/events') {
      const left = new AbortController();
      const { status } = await fetch(new URL(path, servers.get(role)?.url), { signal: left.signal });
      left.abort();
      return status;
    }
    const body = method === 'GET' ? {} : { body: {} };
    return ((await rest.get(role)?.send(method, path, body)) as RestAnswer).status;
  };

  /** What every caller may ask for. */
  const OF_ALL = [
    'GET /',
    'GET /tools',
    'POST /tools/x/execute',
    'GET /health',
    'GET /health/live',
    'GET /health/ready',
    'GET /status',
    'POST /tickets',
    'GET /weather/open',
    'GET /weather/broken',
    'GET /admin/tools',
  ];
  /** And those whose role has what an operator has. */
  const OF_OPERATORS = [
    ...OF_ALL,
    'GET /metrics',
    'GET /sessions/metrics',
    'GET /events',
    'GET /docs-json',
    'GET /weather/readable',
  ];

  it.each([
    ['viewer', OF_ALL],
    ['operator', OF_OPERATORS],
  ])('D-11 a role uses, and no route is open to it that does not say so: %s', async (role, usable) => {
    expect(routes.length).toBeGreaterThan(30);
    for (const { method, path } of routes) {
      const route = `${method} ${path}`;
      expect([route, (await statusOf(role, method, path)) === 403]).toEqual([route, !usable.includes(route)]);
    }
  });

  it('S3-16 D-13 the status counts what a caller may know of, and sessions are for those who may read figures', async () => {
    const seen = async (role: string): Promise<Json> => (await (rest.get(role) as RestClient).get('/status')).json;
    const [viewer, admin] = [await seen('viewer'), await seen('admin')];
    for (const status of [viewer, admin]) {
      expect(status).toMatchObject({
        server: 'gatehouse',
        version: expect.any(String),
        status: 'running',
        transport: { type: 'http', endpoint: '/mcp', port: expect.any(Number) },
        sessions: { total: 0, active: 0, firstConnection: null, lastActivity: null },
        process: { pid: expect.any(Number), uptime: expect.any(Number), memory: { rss: expect.any(Number) } },
      });
    }
    const countOf = ({ tools }: Json): number => (tools as { total: number }).total;
    expect(countOf(viewer)).toBeLessThan(countOf(admin));
    expectProblem(await (rest.get('viewer') as RestClient).get('/sessions/metrics'), 403, 'permission_denied');
  });

  it('D-13 tools that are switched are shown to those who may know of them', async () => {
    const named = async (role: string): Promise<string> => (await rest.get(role)?.get('/admin/tools'))?.text ?? '';
    expect(await named('operator')).not.toContain('forAdmins');
    expect(await named('admin')).toContain('forAdmins');
  });

  it('W-33 the page of the docs is for everyone, what it shows is not', async () => {
    const viewer = rest.get('viewer') as RestClient;
    expect((await viewer.get('/docs')).status).toBe(200);
    expectProblem(await viewer.get('/docs-json'), 403, 'permission_denied');
  });

  it('a route of a plug-in that declares nobody is closed to everyone', async () => {
    const admin = rest.get('admin') as RestClient;
    expect((await admin.get('/weather/readable')).json).toEqual({ readable: true });
    expectProblem(await admin.get('/weather/undeclared'), 403, 'permission_denied');
    expect((await (rest.get('viewer') as RestClient).get('/weather/readable')).status).toBe(403);
    expect((await (rest.get('viewer') as RestClient).get('/weather/open')).status).toBe(200);
  });

  it('D-13 a tool that a caller may not see is neither listed nor there', async () => {
    const operator = rest.get('operator') as RestClient;
    expect((await operator.get('/tools')).text).not.toContain('forAdmins');
    expectProblem(await operator.execute('forAdmins'), 404, 'unknown_tool');
    expect((await (rest.get('admin') as RestClient).execute('forAdmins')).json['stdout']).toBe('secret');
  });

  it(
    'S4-10 W-37 shows the settings and where they came from, and no secret',
    async () => {
      const secret = Buffer.alloc(32, 7).toString('base64');
      const { rest: own } = await start({ MCP_ANONYMOUS_ROLE: 'admin', MCP_SESSION_KEYS: `k1:${secret}` });
      const { json, text } = await own.get('/config');
      expect(json).toMatchObject({
        config: { server: { host: '127.0.0.1' }, sessions: { keys: '***REDACTED***' } },
        sources: { 'server.port': 'flag', 'sessions.keys': 'env', 'server.host': 'default' },
      });
      expect(text).not.toContain(secret);
    },
    LONG_MS,
  );
});

describe('REST: other sites, other hosts', () => {
  let server: BuiltServer;
  const ask = (
    method: string,
    path: string,
    headers: Record<string, string | null>,
    body?: string,
  ): Promise<WireResponse> =>
    exchange(
      server.url,
      wire(server.url, {
        method,
        path,
        headers: { 'Content-Type': null, ...headers },
        ...(body !== undefined && { body }),
      }),
    );

  beforeAll(async () => {
    ({ server } = await start({ MCP_ANONYMOUS_ROLE: 'admin', MCP_CORS_ORIGINS: 'https://app.example.com' }));
  }, LONG_MS);

  it('W-5 a foreign Host or Origin gets no further', async () => {
    for (const path of ['/', '/tools', '/metrics', '/docs', '/nowhere', '/admin/sessions']) {
      const rebound = await ask('GET', path, { Host: 'evil.example' });
      expect([path, rebound.status, jsonOf(rebound)['kind']]).toEqual([path, 403, 'forbidden_host']);
      const foreign = await ask('GET', path, { Origin: 'http://localhost.evil.example' });
      expect([path, foreign.status, jsonOf(foreign)['kind']]).toEqual([path, 403, 'forbidden_origin']);
      expect(foreign.headers['access-control-allow-origin']).toBeUndefined();
    }
    const own = await ask('GET', '/tools', { Origin: 'https://app.example.com' });
    expect([own.status, own.headers['access-control-allow-origin']]).toEqual([200, 'https://app.example.com']);
  });

  it('W-5 what a form of another site could send changes nothing', async () => {
    for (const type of [null, 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const answer = await ask('POST', '/tools/echo/disable', { 'Content-Type': type }, '{}');
      expect([type, answer.status]).toEqual([type, 415]);
    }
    expect((jsonOf(await ask('GET', '/tools', {}))['tools'] as Json[])[0]).toMatchObject({
      name: 'echo',
      enabled: true,
    });
    expect((await ask('POST', '/tools/echo/disable', { 'X-Requested-With': 'curl' }, '')).status).toBe(200);
    expect((await ask('POST', '/tools/echo/enable', { 'Content-Type': 'application/json' }, '{}')).status).toBe(200);
  });

  it('says nothing of what it is built with', async () => {
    const { headers } = await ask('GET', '/tools', {});
    expect(headers['x-powered-by']).toBeUndefined();
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['cache-control']).toBe('no-store');
  });
});

describe('REST: what is on record', () => {
  it(
    'ADR 0005 the same call has the same audit line by REST and by MCP; admin actions and denials have theirs',
    async () => {
      const { server, rest, mcp } = await start(
        { MCP_ANONYMOUS_ROLE: 'operator', MCP_LOG_LEVEL: 'debug', MCP_LOGGING_FILE_PATH: './logs/server.log' },
        { flags: [] },
      );
      const { session } = await mcp.initialize();
      await mcp.post(request(1, 'tools/call', { name: 'echo', arguments: { message: 'x' } }), session);
      await rest.execute('echo', { message: 'x' });
      await rest.post('/tools/echo/disable');
      await rest.get('/admin/nowhere');
      await rest.execute('wait', { ms: 1 });
      type Line = Json & { readonly context?: string; readonly msg?: string };
      const lines = async (): Promise<Line[]> =>
        (await readFile(join(server.stateDir, 'logs', 'server.log'), 'utf8'))
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as Line);
      const waited = await until(
        async () => (await lines()).some((line) => line['target'] === 'tool:wait') && lines(),
        'the log file',
      );
      const audit = waited.filter(({ context }) => context === 'Audit');
      const of = (target: string): Json[] => audit.filter((line) => line['target'] === target);
      const [byMcp, byRest] = of('tool:echo');
      const shared = { door: 'http', principal: 'gatehouse/anonymous', outcome: 'success' };
      expect(byMcp).toMatchObject({ ...shared, session: expect.stringMatching(/^[0-9a-f]{16}$/) });
      expect(byRest).toMatchObject(shared);
      expect(byRest).not.toHaveProperty('session');
      expect(of('tool:echo').slice(2)).toEqual([
        expect.objectContaining({
          action: 'tool.disable',
          principal: 'gatehouse/anonymous',
          outcome: 'refused',
          kind: 'permission_denied',
        }),
      ]);
      // S4-45, S3-11: the story of each call, every line with its ids.
      const story = waited.filter(({ msg }) => /^tool\.|^It waits/.test(msg ?? ''));
      expect(story.map(({ msg }) => msg)).toEqual([
        'tool.start',
        'tool.end',
        'tool.start',
        'tool.end',
        'tool.start',
        'It waits',
        'tool.end',
      ]);
      expect(story.every((line) => /^req-/.test(String(line['requestId'])))).toBe(true);
      expect(story[0]).toMatchObject({ tool: 'echo', session: byMcp?.['session'], requestId: byMcp?.['requestId'] });
      expect(server.stderr).toContain('"msg":"tool.start"');
    },
    LONG_MS,
  );

  it(
    'is read by those who may: every change with who, what and why, refused ones too',
    async () => {
      const audit = 'audit.jsonl';
      const { rest } = await start({ MCP_ANONYMOUS_ROLE: 'admin', MCP_AUDIT_FILE: audit });
      await rest.send('PUT', '/admin/tools/echo/state', { body: { enabled: false, reason: 'loud', durationSec: 60 } });
      await rest.post('/admin/incidents', { kind: 'read_only', reason: 'a drill', durationSec: 60 });
      await remove(rest, '/admin/incidents/read_only');
      await rest.post('/admin/blocks', { address: '127.0.0.1', durationSec: 1, reason: 'x' });
      await rest.execute('math_calc', { expression: '1' });
      const search = async (query: string): Promise<Json[]> =>
        (await rest.get(`/admin/audit?${query}`)).json['records'] as Json[];
      const changes = await until(async () => {
        const found = await search('type=admin');
        return found.length >= 4 && found;
      }, 'the records');
      const shared = { principal: 'gatehouse/anonymous', door: 'http', requestId: expect.stringMatching(/^req-/) };
      expect(changes).toMatchObject([
        { ...shared, action: 'tool.set', target: 'tool:echo', outcome: 'success', details: { reason: 'loud' } },
        { ...shared, action: 'incident.start', target: 'read_only', details: { reason: 'a drill', durationSec: 60 } },
        { ...shared, action: 'incident.end', target: 'incident:read_only', outcome: 'success' },
        { ...shared, action: 'block.add', target: 'address:127.0.0.1', outcome: 'refused', kind: 'invalid_params' },
      ]);
      const calls = await until(async () => {
        const found = await search('target=tool:math*&limit=1');
        return found.length > 0 && found;
      }, 'the call');
      expect(calls).toMatchObject([{ target: 'tool:math_calc', outcome: 'success' }]);
      expect(await search('target=tool:math*&since=2100-01-01T00:00:00Z')).toEqual([]);
      expectProblem(await rest.get('/admin/audit?limit=0'), 422, 'invalid_params');
      expect((await rest.get('/admin/audit/status')).json).toMatchObject({
        hasFile: true,
        isWritable: true,
        lostRecords: 0,
        head: { seq: expect.any(Number) },
      });
      expect((await rest.post('/admin/settings/reload')).json).toEqual({ changed: [], needsRestart: [] });
    },
    LONG_MS,
  );

  it(
    'says where there is no audit file',
    async () => {
      const { rest } = await start({ MCP_ANONYMOUS_ROLE: 'admin' });
      expectProblem(await rest.get('/admin/audit'), 404, 'not_found');
      expect((await rest.get('/admin/audit/status')).json).toEqual({ hasFile: false, isAvailable: true });
    },
    LONG_MS,
  );
});

describe('REST: above its limit', () => {
  it(
    'S2-15 is refused for each caller, over all routes, and probes are not counted',
    async () => {
      const { rest } = await start({ MCP_RATE_LIMIT_REST: '3' });
      for (const path of ['/', '/tools', '/weather/open']) expect((await rest.get(path)).status).toBe(200);
      const limited = await rest.get('/tools');
      expectProblem(limited, 429, 'rate_limited');
      expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
      for (let i = 0; i < 5; i++) expect((await rest.get('/health/ready')).status).toBe(200);
    },
    LONG_MS,
  );
});
