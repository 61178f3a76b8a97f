import { beforeAll, describe, expect, it } from '@jest/globals';
import { WebSocket } from 'ws';
import type { BuiltServer } from '../support/built-server.js';
import { type Json, request } from '../support/messages.js';
import { Program } from '../support/program.js';
import { answerIn, type RawHttp } from '../support/raw-http.js';
import type { RestAnswer, RestClient } from '../support/rest-client.js';
import { until } from '../support/waiting.js';
import { endServersAfterwards, expectProblem, LONG_MS, remove, start } from './rest-world.js';

endServersAfterwards();

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

  it('S4-5 S4-20 S0-29 executes a tool, and gives its output in one form', async () => {
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
      body: { enabled: false, reason: 'on fire\n[SECURITY]', durationSec: 3_600 },
    });
    expect(off).toMatchObject({
      status: 200,
      json: {
        name: 'echo',
        enabled: false,
        breaker: { state: 'closed' },
        state: { decidedBy: 'operator', by: 'gatehouse/anonymous', until: expect.stringMatching(/Z$/) },
      },
    });
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
    // No word of an operator stands for the setting that it needs (W-2).
    expectProblem(await rest.post('/tools/run_command/enable'), 403, 'permission_denied');
  });

  it('a state for a time goes back by itself', async () => {
    const body = { enabled: false, reason: 'a pause', durationSec: 1 };
    await rest.send('PUT', '/admin/tools/picture/state', { body });
    expectProblem(await rest.execute('picture'), 403, 'tool_disabled');
    await until(async () => (await rest.execute('picture')).status === 200, 'the end of the pause');
  });

  it('S4-31 an operator lets a tool rest, and lets it go on', async () => {
    const set = (state: string): Promise<RestAnswer> =>
      rest.send('PUT', '/admin/tools/waits/breaker', { body: { state, reason: 'a test' } });
    expect((await set('open')).json['breaker']).toEqual({ state: 'open', retryAfterMs: expect.any(Number) });
    expect((await rest.execute('waits')).json).toMatchObject({ error_type: 'circuit_breaker_open' });
    expect((await set('closed')).json['breaker']).toEqual({ state: 'closed', retryAfterMs: 0 });
    expect((await rest.execute('waits')).json['returncode']).toBe(0);
    const { json } = await rest.get('/admin/limits');
    expect((json['breakerChanges'] as Json[]).slice(-2)).toMatchObject([
      { tool: 'waits', from: 'closed', to: 'open', why: 'an operator said so' },
      { tool: 'waits', from: 'open', to: 'closed' },
    ]);
    expectProblem(await set('ajar'), 422, 'invalid_params');
  });

  it('throws the incident switch and puts it back', async () => {
    const began = await rest.post('/admin/incidents', { kind: 'tool', tool: 'picture', reason: 'a leak' });
    expect(began).toMatchObject({
      status: 201,
      json: {
        id: 'tool:picture',
        scope: { kind: 'tool', tool: 'picture' },
        by: 'gatehouse/anonymous',
        reason: 'a leak',
      },
    });
    expectProblem(await rest.execute('picture'), 403, 'quarantined');
    expect((await rest.get('/admin/incidents')).json).toMatchObject({ total: 1, incidents: [{ id: 'tool:picture' }] });
    const end = (id: string): Promise<RestAnswer> => remove(rest, `/admin/incidents/${encodeURIComponent(id)}`);
    expect((await end('tool:picture')).status).toBe(204);
    expect((await rest.execute('picture')).status).toBe(200);
    expectProblem(await end('tool:picture'), 404, 'not_found');
    for (const body of [{ kind: 'tool', reason: 'x' }, { kind: 'fire', reason: 'x' }, { kind: 'read_only' }]) {
      expectProblem(await rest.post('/admin/incidents', body), 422, 'invalid_params');
    }
    // Whoever shuts themselves out could not put it back.
    const oneself = { kind: 'principal', issuer: 'gatehouse', subject: 'anonymous', reason: 'x' };
    expectProblem(await rest.post('/admin/incidents', oneself), 422, 'invalid_params');
    const other = { ...oneself, subject: 'mallory', durationSec: 1 };
    expect((await rest.post('/admin/incidents', other)).json['id']).toBe('principal:gatehouse/mallory');
    await until(async () => (await rest.get('/admin/incidents')).json['total'] === 0, 'the end of the incident');
  });

  it('explains a decision as gatehouse explain asks it', async () => {
    const asked = await rest.get('/admin/explain?principal=viewer&target=forAdmins');
    expect(asked).toMatchObject({
      status: 200,
      json: { isAllowed: false, kind: 'unknown_tool', steps: expect.any(Array) },
    });
    const question = { principal: 'operator', target: 'math_calc', args: { expression: '1' } };
    const withArguments = await rest.post('/admin/explain', question);
    expect(withArguments).toMatchObject({
      status: 200,
      json: { principal: 'gatehouse/role:operator', isAllowed: true },
    });
    const wrong = await rest.post('/admin/explain', { ...question, args: { expression: 1 } });
    expect(wrong.json).toMatchObject({ isAllowed: false, kind: 'invalid_params' });
    expectProblem(await rest.get('/admin/explain?principal=nobody&target=echo'), 404, 'not_found');
    expectProblem(await rest.get('/admin/explain?principal=viewer'), 422, 'invalid_params');
    const { code, stdout } = await Program.run({
      args: ['explain', 'viewer', 'forAdmins', '--url', server.url],
      cwd: server.stateDir,
    });
    expect([code, stdout.split('\n')[0]]).toEqual([
      1,
      'gatehouse/role:viewer -> tool:forAdmins: refused: unknown_tool, and not listed',
    ]);
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
    const running = mcp.post(request(7, 'tools/call', { name: 'wait', arguments: {} }), session);
    await until(async () => {
      const { json: figures } = await rest.get('/sessions/metrics');
      return (figures['activeRequests'] as { bySession: Json }).bySession[id] === 1;
    }, 'the call');
    // S3-12: what runs is cancelled, and the session goes on.
    expect((await rest.post(`/admin/sessions/${id}/cancel`)).json).toEqual({ cancelled: 1 });
    await running;
    const stream = await mcp.stream(session);
    expect((await rest.post('/admin/notices', { message: 'back in five' })).json['told']).toBeGreaterThanOrEqual(1);
    await stream.said(/server_notification.*back in five/);
    expect((await remove(rest, `/admin/sessions/${id}`)).status).toBe(204);
    await stream.closed;
    expect((await mcp.post(request(2, 'tools/list'), session)).status).toBe(404);
    expectProblem(await rest.get(`/admin/sessions/${id}`), 404, 'session_not_found');
    expectProblem(await rest.get('/admin/sessions?limit=0'), 422, 'invalid_params');
  });

  it('S2-8 D-18 gives a page a ticket for a WebSocket', async () => {
    const { status, json } = await rest.post('/tickets');
    expect([status, json]).toEqual([201, { protocol: expect.any(String), expiresAt: expect.stringMatching(/Z$/) }]);
    const socket = new WebSocket(server.url.replace(/^http/, 'ws').replace(/\/mcp$/, '/ws'), [
      'mcp',
      String(json['protocol']),
    ]);
    const opened = await new Promise((resolve) => {
      socket.on('open', () => resolve(socket.protocol));
      socket.on('error', (error) => resolve(error.message));
    });
    expect(opened).toBe('mcp');
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.close();
    await closed;
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
    const lift = (address: string): Promise<RestAnswer> => remove(rest, `/admin/blocks/${encodeURIComponent(address)}`);
    expect((await lift('203.0.113.7')).status).toBe(204);
    expect((await lift('2001:db8::/64')).status).toBe(204);
    expectProblem(await lift('203.0.113.7'), 404, 'not_found');
  });

  it('limits are shown, with what is taken of them', async () => {
    expect((await rest.get('/admin/limits')).json).toMatchObject({
      messages: { perWindow: 100_000, windowMs: 60_000 },
      rest: { perWindow: 100_000 },
      remembered: { messages: expect.any(Number), atMost: 1_000 },
      sessions: { max: 1_000, open: expect.any(Number) },
      tools: {
        scan: {
          runsPerMinute: 10,
          totalRunsPerMinute: null,
          concurrency: 2,
          running: 0,
          waiting: 0,
          breaker: { threshold: 5, recoveryMs: 60_000, successes: 1 },
        },
      },
    });
    expect((await rest.get('/admin/limits?principal=operator')).json['caller']).toMatchObject({
      principal: 'gatehouse/role:operator',
      messages: { limit: 100_000, used: 0 },
    });
    expectProblem(await rest.get('/admin/limits?principal=nobody'), 404, 'not_found');
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
