import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type AddressInfo, createServer } from 'node:net';
import { BuiltServer } from '../support/built-server.js';
import { type Json, request } from '../support/messages.js';
import { fixture, ROOT } from '../support/places.js';
import { Program } from '../support/program.js';
import { answerIn, RawHttp } from '../support/raw-http.js';
import { RestClient } from '../support/rest-client.js';
import { StdioServer } from '../support/stdio-server.js';
import { PATIENCE_MS, until } from '../support/waiting.js';

const LONG_MS = 4 * PATIENCE_MS;
jest.setTimeout(LONG_MS);

const preset = (name: string): string => join(ROOT, 'presets', `${name}.yaml`);

/** A busy machine must not decide how it does. */
const UNMOVED = {
  MCP_HEALTH_CPU_THRESHOLD: '100',
  MCP_HEALTH_MEMORY_THRESHOLD: '100',
  MCP_HEALTH_DISK_THRESHOLD: '100',
};

describe('the preset security over HTTP, in the first five minutes', () => {
  let server: BuiltServer;
  let rest: RestClient;

  beforeAll(async () => {
    server = await BuiltServer.start({
      flags: ['--config', preset('security'), '--log-level', 'debug'],
      plugins: [fixture('operations/index')],
      env: {
        ...UNMOVED,
        MCP_METRICS_PROMETHEUS_PORT: '0',
        MCP_ANONYMOUS_ROLE: 'admin',
        MCP_HEALTH_CHECK_INTERVAL: '5',
      },
    });
    rest = new RestClient(server.url);
  }, LONG_MS);
  afterAll(() => server.dispose());

  it('S4-3 S4-40 its health is 200, 207 and 503', async () => {
    await until(async () => (await rest.get('/health')).status === 200, 'a healthy round');
    await rest.execute('setHealth', { status: 'degraded' });
    await until(async () => (await rest.get('/health')).status === 207, 'a degraded round');
    await rest.execute('setHealth', { status: 'healthy' });
    const down = await BuiltServer.start({
      flags: ['--config', preset('security')],
      env: { ...UNMOVED, MCP_METRICS_PROMETHEUS_PORT: '0', MCP_HEALTH_DEPENDENCIES: '127.0.0.1:1' },
    });
    expect((await new RestClient(down.url).get('/health')).status).toBe(503);
    await down.dispose();
  });

  it('S4-7 a tool that is disabled is 403, and its clients are told of other lists', async () => {
    const http = new RawHttp(server.url);
    const { session } = await http.initialize();
    const stream = await http.stream(session);
    expect((await rest.post('/tools/get_time/disable')).json).toEqual({
      message: 'Tool get_time disabled',
      tool: 'get_time',
    });
    await stream.said(/notifications\/tools\/list_changed/);
    const refused = await rest.execute('get_time');
    expect([refused.status, refused.json['detail']]).toEqual([403, 'Tool get_time is disabled']);
    await rest.post('/tools/get_time/enable');
    await stream.leave();
  });

  it('S4-33 S4-6 the eleventh run of a command tool in a minute is 429', async () => {
    for (let n = 0; n < 10; n++) expect((await rest.execute('scan')).status).toBe(200);
    const { status, headers, json } = await rest.execute('scan');
    expect(status).toBe(429);
    expect(json).toMatchObject({
      error: 'Rate limit exceeded',
      message: 'Too many requests for scan. Try again later.',
    });
    expect(Number(headers.get('retry-after'))).toBe(json['retry_after']);
  });

  it('S4-31 W-24 five failures open the breaker, which says so, in /tools and in the metrics too', async () => {
    for (let n = 0; n < 5; n++) await rest.execute('fails');
    expect((await rest.execute('fails')).json).toMatchObject({
      returncode: 1,
      error_type: 'circuit_breaker_open',
      metadata: { retry_after: expect.any(Number) },
    });
    expect((await rest.get('/metrics')).text).toMatch(/^mcp_circuit_breaker_state\{tool="fails",state="open"\} 1$/m);
  });

  it('S4-43 K-20 has a port for Prometheus alone', async () => {
    const [, url = ''] = await server.said(/Without credentials at (http:\/\/127\.0\.0\.1:\d+): \/metrics/);
    expect((await new RestClient(url).get('/metrics')).text).toContain('mcp_tool_execution_total{tool="scan"');
    expect((await new RestClient(url).get('/tools')).status).toBe(404);
    const { stdout } = await Program.run({ args: ['config', '--config', preset('security')], cwd: server.stateDir });
    expect(stdout).toMatch(/^metrics\.prometheusPort +9090 +/m);
  });

  it('S4-45 logs event key=value', async () => {
    await rest.execute('scan');
    await rest.execute('math_calc', { expression: '1/0' });
    await rest.execute('echo', { message: 'x' });
    await server.said(/tool\.start.* tool=echo\b.*timeout=300/);
    await server.said(/tool\.end.* tool=echo\b.*duration_ms=\d+/);
    await server.said(/tool\.error.* tool=math_calc\b.*error_type=execution_error/);
  });

  it('S4-11 S4-20 a command gives one text with its output as JSON, over MCP as over REST', async () => {
    const http = new RawHttp(server.url);
    const { session } = await http.initialize();
    const call = await http.post(request(1, 'tools/call', { name: 'report', arguments: {} }), session);
    const { content, structuredContent } = answerIn(call.frames).result as { content: Json[]; structuredContent: Json };
    expect(content).toEqual([{ type: 'text', text: JSON.stringify(structuredContent) }]);
    const { json } = await rest.execute('report', { correlation_id: 'mine' });
    expect(json).toEqual({ ...structuredContent, correlation_id: 'mine' });
    expect(structuredContent).toMatchObject({ stdout: '1 host up', returncode: 0, metadata: { hosts_up: 1 } });
  });

  it('S4-34 SIGTERM lets a run finish within the grace, and ends with 0', async () => {
    const running = rest.execute('wait', { ms: 1_000 });
    await server.said(/It waits/);
    const exit = server.stop('SIGTERM');
    expect((await running).json).toMatchObject({ stdout: 'done', returncode: 0 });
    expect(await exit).toEqual({ code: 0, signal: null });
  });
});

describe('the preset security on stdio', () => {
  it('S4-11 prints a command as one text of JSON, and nothing but the protocol', async () => {
    const server = await StdioServer.start({
      flags: ['--config', preset('security')],
      plugins: [fixture('operations/index')],
      env: { MCP_METRICS_PROMETHEUS_PORT: '0' },
    });
    await server.initialize();
    const { result } = await server.callTool('report', {});
    const [item, ...others] = result?.['content'] as { type: string; text: string }[];
    expect([item?.type, others]).toEqual(['text', []]);
    expect(JSON.parse(item?.text ?? '')).toMatchObject({
      stdout: '1 host up',
      stderr: '',
      returncode: 0,
      timed_out: false,
    });
    expect(server.messages).toHaveLength(2);
    await server.dispose();
  });

  it('K-20 the first of two has the port for Prometheus, and the other serves its client all the same', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as AddressInfo;
    const env = { MCP_METRICS_PROMETHEUS_PORT: String(port) };
    const server = await StdioServer.start({ flags: ['--config', preset('security')], env });
    expect((await server.initialize()).result).toBeDefined();
    await server.program.said(/port \d+ on 127\.0\.0\.1 is in use.* goes on without/);
    await server.dispose();
    holder.close();
  });
});

describe('the preset agents', () => {
  it('K-18 S2-30 opens 3003 and 9501 on loopback, whatever the server is bound to', async () => {
    const args = ['config', '--config', preset('agents'), '--host', '0.0.0.0'];
    const { stdout } = await Program.run({ args, cwd: ROOT });
    expect(stdout).toMatch(/^server\.managementPorts +\["3003","9501"\] +/m);
    expect(stdout).toMatch(/^server\.managementHost +"127\.0\.0\.1" +/m);
  });
});
