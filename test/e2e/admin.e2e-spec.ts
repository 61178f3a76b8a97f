import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BuiltServer, type ServerOptions } from '../support/built-server.js';
import { type Json, request } from '../support/messages.js';
import { fixture } from '../support/places.js';
import { answerIn, RawHttp } from '../support/raw-http.js';
import { type RestAnswer, RestClient } from '../support/rest-client.js';
import { PATIENCE_MS, until } from '../support/waiting.js';
import { exchange, jsonOf, wire, type WireResponse } from './http-wire.js';

const LONG_MS = 4 * PATIENCE_MS;
const PLUGINS = [fixture('operations/index')];
const ROOMY = { MCP_RATE_LIMIT_MAX: '100000', MCP_HEALTH_CPU_THRESHOLD: '100', MCP_HEALTH_MEMORY_THRESHOLD: '100' };

const open: BuiltServer[] = [];
const start = async (
  env: Record<string, string> = {},
  more: ServerOptions = {},
): Promise<{ server: BuiltServer; rest: RestClient; mcp: RawHttp }> => {
  const server = await BuiltServer.start({ plugins: PLUGINS, ...more, env: { ...ROOMY, ...env } });
  open.push(server);
  return { server, rest: new RestClient(server.url), mcp: new RawHttp(server.url) };
};

afterAll(async () => {
  await Promise.all(open.map((server) => server.dispose()));
}, LONG_MS);

/** What every problem says. */
function expectProblem({ status, headers, json }: RestAnswer, wanted: number, kind: string): void {
  expect(status).toBe(wanted);
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(json).toMatchObject({
    type: `urn:mcp-gatehouse:error:${kind}`,
    title: expect.any(String),
    status: wanted,
    detail: expect.stringMatching(/.{3}/),
    kind,
    requestId: expect.stringMatching(/^req-/),
  });
  expect(headers.get('x-request-id')).toBe(json['requestId']);
}

describe('REST, as an admin', () => {
  let server: BuiltServer;
  let rest: RestClient;
  let mcp: RawHttp;

  beforeAll(async () => {
    ({ server, rest, mcp } = await start({ MCP_ANONYMOUS_ROLE: 'admin', MCP_EVENTS_INTERVAL: '1' }));
  }, LONG_MS);

  it('S4-2 the root says what this is, and where everything is', async () => {
    const { json } = await rest.get('/');
    expect(json).toMatchObject({ name: 'gatehouse', version: expect.any(String), transport: 'http' });
    expect(json['tools']).toEqual({ total: expect.any(Number), enabled: expect.any(Number) });
    for (const path of ['/health', '/tools', '/metrics', '/config', '/docs']) {
      expect(Object.values(json['endpoints'] as Json)).toContain(path);
      expect((await rest.get(path)).status).toBeLessThan(300);
    }
  });

  it('S4-4 S4-25 lists tools with what is known of each', async () => {
    const { json } = await rest.get('/tools');
    const tools = json['tools'] as Json[];
    expect(json).toMatchObject({ total: tools.length, enabled: tools.filter((tool) => tool['enabled']).length });
    expect(tools.find(({ name }) => name === 'scan')).toEqual({
      name: 'scan',
      enabled: true,
      command: null,
      description: 'Runs a program',
      concurrency: 2,
      timeout: 300,
      has_metrics: true,
      has_circuit_breaker: true,
      title: null,
      tags: [],
      read_only: false,
      destructive: false,
      runs_per_minute: 10,
      input_schema: expect.any(Object),
    });
  });

  it('S4-5 S4-20 executes a tool, and gives its output in one form', async () => {
    const { status, json } = await rest.execute('echo', { message: 'hi', correlation_id: 'job-7', timeout_sec: 5 });
    expect(status).toBe(200);
    expect(json).toEqual({
      stdout: 'Echo: hi',
      stderr: '',
      returncode: 0,
      truncated_stdout: false,
      truncated_stderr: false,
      timed_out: false,
      error: null,
      error_type: null,
      execution_time: expect.any(Number),
      correlation_id: 'job-7',
      metadata: { tool_name: 'echo', request_id: expect.stringMatching(/^req-/) },
    });
    const made = await rest.execute('echo', { message: 'hi' });
    expect(made.json['correlation_id']).toBe(made.headers.get('x-request-id'));
    expect((await rest.execute('picture')).json).toMatchObject({
      stdout: 'a dot\n[image]',
      metadata: { content: [{ type: 'text' }, { type: 'image', data: 'AAAA' }] },
    });
    const time = await rest.execute('get_time');
    expect(time.json).toMatchObject({ metadata: { structured: { epochMs: expect.any(Number) } } });
  });

  it('6.3 6.4 a tool that fails or runs out of time is an output that says so', async () => {
    expect(await rest.execute('math_calc', { expression: '1/0' })).toMatchObject({
      status: 200,
      json: { returncode: 1, error_type: 'execution_error', stderr: expect.stringMatching(/^Error calculating/) },
    });
    expect(await rest.execute('wait', { timeout_sec: 1 })).toMatchObject({
      status: 200,
      json: { returncode: 124, timed_out: true, error_type: 'timeout' },
    });
    expectProblem(await rest.execute('asks'), 400, 'missing_capability');
  });

  it('S4-5 answers 404, 403, 422 and 400 as the seed does, as problems', async () => {
    const unknown = await rest.execute('nonesuch');
    expectProblem(unknown, 404, 'unknown_tool');
    expect(unknown.json['detail']).toBe('Tool nonesuch not found');
    const disabled = await rest.execute('run_command', { command: 'ls' });
    expectProblem(disabled, 403, 'tool_disabled');
    expect(disabled.json['detail']).toBe('Tool run_command is disabled');
    const wrong = await rest.execute('echo', { message: 1 });
    expectProblem(wrong, 422, 'invalid_params');
    expect(wrong.json['faults']).toEqual(['message must be string']);
    expectProblem(await rest.execute('echo', { message: 'x', timeout_sec: 3_601 }), 422, 'invalid_params');
    expectProblem(await rest.execute('echo', { message: 'x', correlation_id: 'a b' }), 422, 'invalid_params');
    expectProblem(await rest.post('/tools/echo/execute', '[1]'), 422, 'invalid_params');
    // The body could not be read, so that nothing is known of the request yet.
    expect(await rest.post('/tools/echo/execute', '{"message"')).toMatchObject({
      status: 400,
      json: { kind: 'parse_error' },
    });
    expectProblem(await rest.get('/nowhere'), 404, 'not_found');
  });

  it('S4-5 W-33 a defect is 500, and its text stays in the log', async () => {
    for (const answer of [await rest.execute('fails'), await rest.get('/weather/broken')]) {
      expectProblem(answer, 500, 'internal');
      expect(answer.text).not.toMatch(/secret|stack|\.js|\.ts/);
      await until(() => server.stderr.includes(String(answer.json['requestId'])), 'the line of the log');
    }
    expect(server.stderr).toContain('secret of the route');
  });

  it('S2-24 S4-5 keeps forbidden keys and too large bodies out', async () => {
    expectProblem(
      await rest.post('/tools/echo/execute', '{"message":"x","a":{"__proto__":{"b":1}}}'),
      400,
      'forbidden_key',
    );
    expect((await rest.execute('echo', { message: 'x'.repeat(2_000_000) })).status).toBe(413);
  });

  it('S4-33 S4-6 the eleventh run of a command tool is 429, with the true wait', async () => {
    for (let i = 0; i < 10; i++) expect((await rest.execute('scan')).status).toBe(200);
    const limited = await rest.execute('scan');
    expectProblem(limited, 429, 'rate_limited');
    expect(limited.json).toMatchObject({
      error: 'Rate limit exceeded',
      message: 'Too many requests for scan. Try again later.',
      retry_after: expect.any(Number),
    });
    const wait = Number(limited.headers.get('retry-after'));
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(6);
    expect(limited.json['retry_after']).toBe(wait);
  });

  it('S4-7 switches a tool off and on at once, and tells MCP clients', async () => {
    const { session } = await mcp.initialize();
    const stream = await mcp.stream(session);
    const call = async () =>
      answerIn(
        (await mcp.post(request(1, 'tools/call', { name: 'echo', arguments: { message: 'x' } }), session)).frames,
      );
    expect(await rest.post('/tools/echo/disable')).toMatchObject({
      status: 200,
      json: { message: 'Tool echo disabled', tool: 'echo' },
    });
    await stream.said(/notifications\/tools\/list_changed/);
    expect((await call()).result).toMatchObject({
      isError: true,
      content: [{ text: "Tool 'echo' is not enabled on this server" }],
    });
    expectProblem(await rest.execute('echo', { message: 'x' }), 403, 'tool_disabled');
    expect((await rest.post('/tools/echo/enable')).json).toEqual({ message: 'Tool echo enabled', tool: 'echo' });
    expect((await call()).result).not.toHaveProperty('isError', true);
    expectProblem(await rest.post('/tools/nonesuch/enable'), 404, 'unknown_tool');
    await stream.leave();
  });

  it('S4-7 takes a state with its reason under /admin, and shows what each tool is', async () => {
    const off = await rest.send('PUT', '/admin/tools/echo/state', {
      body: { enabled: false, reason: 'on fire\n[SECURITY]' },
    });
    expect(off).toMatchObject({ status: 200, json: { name: 'echo', enabled: false, breaker: { state: 'closed' } } });
    const on = await rest.send('PUT', '/admin/tools/echo/state', { body: { enabled: true, reason: 'out' } });
    expect(on.json['enabled']).toBe(true);
    expectProblem(
      await rest.send('PUT', '/admin/tools/echo/state', { body: { enabled: 1, extra: 2 } }),
      422,
      'invalid_params',
    );
    expectProblem(
      await rest.send('PUT', '/admin/tools/x/state', { body: { enabled: true, reason: 'r' } }),
      404,
      'unknown_tool',
    );
    expect(((await rest.get('/admin/tools')).json['tools'] as Json[]).map(({ name }) => name)).toContain('run_command');
  });

  it('S4-9 streams health and metrics at once and then every second', async () => {
    const text = await rest.streamed('/events', (read) => (read.match(/"type":"metrics"/g) ?? []).length >= 2);
    const events = text
      .split('\n\n')
      .filter((part) => part.startsWith('data: ') && part.endsWith('}'))
      .map((part) => JSON.parse(part.slice('data: '.length)) as { type: string; data: Json });
    expect(events.slice(0, 2).map(({ type }) => type)).toEqual(['health', 'metrics']);
    expect(events[0]?.data).toMatchObject({ status: expect.any(String), checks: expect.any(Object) });
    expect(events[1]?.data).toMatchObject({ tools: expect.any(Object), system: expect.any(Object) });
  });

  it('sessions are listed, shown and ended by their hash; the client then starts anew', async () => {
    const { session } = await mcp.initialize();
    const { json } = await rest.get('/admin/sessions?limit=1');
    const [newest] = json['sessions'] as Json[];
    expect(newest).toMatchObject({
      principal: { subject: 'anonymous' },
      revision: '2025-11-25',
      client: { name: 'raw' },
    });
    const id = String(newest?.['id']);
    expect(JSON.stringify(json)).not.toContain(session['Mcp-Session-Id']);
    expect((await rest.get(`/admin/sessions/${id}`)).json['id']).toBe(id);
    expect((await rest.get('/admin/sessions/metrics')).json).toMatchObject({
      activeRequests: { total: 0, bySession: {} },
    });
    const stream = await mcp.stream(session);
    expect(
      (await rest.send('DELETE', `/admin/sessions/${id}`, { headers: { 'X-Requested-With': 'test' } })).status,
    ).toBe(204);
    await stream.closed;
    expect((await mcp.post(request(2, 'tools/list'), session)).status).toBe(404);
    expectProblem(await rest.get(`/admin/sessions/${id}`), 404, 'session_not_found');
    expectProblem(await rest.get('/admin/sessions?limit=0'), 422, 'invalid_params');
  });

  it('S2-17 blocks are set, listed and lifted; loopback never is', async () => {
    const block = { address: '203.0.113.7', durationSec: 60, reason: 'scanning' };
    expect(await rest.post('/admin/blocks', block)).toMatchObject({ status: 201, json: { address: block.address } });
    await rest.post('/admin/blocks', { ...block, address: '2001:db8::1' });
    expect((await rest.get('/admin/blocks')).json).toMatchObject({
      total: 2,
      blocks: [{ reason: 'scanning', until: expect.stringMatching(/Z$/) }, { address: '2001:db8::/64' }],
    });
    expectProblem(await rest.post('/admin/blocks', { ...block, address: '127.0.0.1' }), 422, 'invalid_params');
    expectProblem(await rest.post('/admin/blocks', { ...block, address: 'me' }), 422, 'invalid_params');
    const lift = (address: string): Promise<RestAnswer> =>
      rest.send('DELETE', `/admin/blocks/${encodeURIComponent(address)}`, { headers: { 'X-Requested-With': 'test' } });
    expect((await lift('203.0.113.7')).status).toBe(204);
    expect((await lift('2001:db8::/64')).status).toBe(204);
    expectProblem(await lift('203.0.113.7'), 404, 'not_found');
  });

  it('limits are shown, with what is taken of them', async () => {
    expect((await rest.get('/admin/limits')).json).toMatchObject({
      messages: { perWindow: 100_000, windowMs: 60_000 },
      sessions: { max: 1_000, open: expect.any(Number) },
      tools: { scan: { runsPerMinute: 10, concurrency: 2, running: 0, waiting: 0 } },
    });
  });

  it('D-3 a caller that leaves ends its call', async () => {
    const left = new AbortController();
    const gone = fetch(new URL('/tools/wait/execute', server.url), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{}',
      signal: left.signal,
    }).catch(() => 'left');
    await until(
      async () =>
        ((await rest.get('/admin/limits')).json['tools'] as Json)['wait'] !== undefined &&
        /"wait":\{[^}]*"running":1/.test((await rest.get('/admin/limits')).text),
      'the call',
    );
    left.abort();
    await gone;
    await until(
      async () => String((await rest.execute('waits')).json['stdout']).endsWith('cancelled'),
      'the end of the call',
    );
  });

  it('describes itself at /docs-json, and shows that at /docs with nothing from elsewhere', async () => {
    const { json } = await rest.get('/docs-json');
    expect(json).toMatchObject({ openapi: expect.stringMatching(/^3\./), info: { title: 'Gatehouse' } });
    const paths = Object.keys(json['paths'] as Json);
    expect(paths).toEqual(
      expect.arrayContaining(['/tools/{name}/execute', '/admin/sessions/{id}', '/metrics', '/events', '/weather/open']),
    );
    const page = await rest.get('/docs');
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
    const files = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file = '']) => file);
    expect(files).toHaveLength(3);
    for (const file of files) {
      expect(file).toMatch(/^\/docs\//);
      expect((await rest.get(file)).status).toBe(200);
    }
    expectProblem(await rest.get('/docs/..%2fpackage.json'), 404, 'not_found');
  });
});

describe('REST: who may what', () => {
  const roles = ['viewer', 'operator', 'admin'] as const;
  const rest = new Map<string, RestClient>();
  let viewers: BuiltServer;
  let routes: { readonly method: string; readonly path: string }[];

  beforeAll(async () => {
    for (const role of roles) {
      const started = await start({ MCP_ANONYMOUS_ROLE: role });
      rest.set(role, started.rest);
      if (role === 'viewer') viewers = started.server;
    }
    const { json } = (await rest.get('admin')?.get('/docs-json')) as RestAnswer;
    routes = Object.entries(json['paths'] as Record<string, Json>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path: path.replaceAll(/\{\w+\}/g, 'x') })),
    );
  }, LONG_MS);

  const statusOf = async (role: string, method: string, path: string): Promise<number> => {
    if (path === '/events')
      return (await fetch(new URL(path, viewers.url), { signal: AbortSignal.timeout(PATIENCE_MS) })).status;
    const body = method === 'GET' ? {} : { body: {} };
    return ((await rest.get(role)?.send(method, path, body)) as RestAnswer).status;
  };

  it('a viewer uses tools, and neither reads nor manages: no route is open that does not say so', async () => {
    const usable = new Set([
      '/',
      '/tools',
      '/tools/x/execute',
      '/health',
      '/health/live',
      '/health/ready',
      '/weather/open',
      '/weather/broken',
    ]);
    expect(routes.length).toBeGreaterThan(20);
    for (const { method, path } of routes) {
      const status = await statusOf('viewer', method, path);
      expect([method, path, status === 403]).toEqual([method, path, !usable.has(path)]);
    }
  });

  it('W-33 the page of the docs is for everyone, what it shows is not', async () => {
    const viewer = rest.get('viewer') as RestClient;
    expect((await viewer.get('/docs')).status).toBe(200);
    expectProblem(await viewer.get('/docs-json'), 403, 'permission_denied');
  });

  it('an operator reads, and manages nothing (D-11)', async () => {
    for (const { method, path } of routes) {
      if (path.startsWith('/weather') || path.endsWith('/execute') || path === '/events') continue;
      const isRead = method === 'GET';
      expect([method, path, (await statusOf('operator', method, path)) === 403]).toEqual([method, path, !isRead]);
    }
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
      const { rest: own } = await start({ MCP_SESSION_KEYS: `k1:${secret}` });
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
      expect(of('admin:POST /tools/echo/disable')).toEqual([
        expect.objectContaining({ principal: 'gatehouse/anonymous', outcome: 'refused', kind: 'permission_denied' }),
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
});
