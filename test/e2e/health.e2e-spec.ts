import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BuiltServer, type ServerOptions } from '../support/built-server.js';
import type { Json } from '../support/messages.js';
import { fixture, temporaryFolder } from '../support/places.js';
import { Program } from '../support/program.js';
import { RestClient } from '../support/rest-client.js';
import { PATIENCE_MS, until } from '../support/waiting.js';
import { exchange, wire } from './http-wire.js';

const LONG_MS = 4 * PATIENCE_MS;
/** A machine that is busy with other things must not decide how these tests end. */
const UNMOVED = {
  MCP_HEALTH_CPU_THRESHOLD: '100',
  MCP_HEALTH_MEMORY_THRESHOLD: '100',
  MCP_HEALTH_DISK_THRESHOLD: '100',
};
const QUICK = { ...UNMOVED, MCP_HEALTH_CHECK_INTERVAL: '5', MCP_RATE_LIMIT_MAX: '100000' };

const open: BuiltServer[] = [];
const start = async (options: ServerOptions = {}): Promise<{ server: BuiltServer; rest: RestClient }> => {
  const server = await BuiltServer.start({ ...options, env: { ...UNMOVED, ...options.env } });
  open.push(server);
  return { server, rest: new RestClient(server.url) };
};
/** Where the listeners of their own are, in the order of the log. */
const managementOf = async (server: BuiltServer): Promise<string> => {
  const [, url = ''] = await server.said(/Without credentials at (http:\S+): \/health/);
  return url;
};

afterAll(async () => {
  await Promise.all(open.map((server) => server.dispose()));
}, LONG_MS);

describe('/health', () => {
  let server: BuiltServer;
  let rest: RestClient;
  const check = async (name: string): Promise<Json> =>
    ((await rest.get('/health')).json['checks'] as Json)[name] as Json;

  beforeAll(async () => {
    ({ server, rest } = await start({
      env: { ...QUICK, MCP_MANAGEMENT_PORT: '0' },
      plugins: [fixture('operations/index')],
    }));
  }, LONG_MS);

  it('S4-3 S3-15 S2-30 S1-44 is 200 while all is well, and says what was looked at', async () => {
    const { status, headers, json } = await rest.get('/health');
    expect(status).toBe(200);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(json).toMatchObject({
      status: 'healthy',
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      transport: 'http',
      version: expect.any(String),
      uptime: expect.any(Number),
      mcpEndpoint: '/mcp',
      environment: 'production',
      authEnabled: false,
      // Whoever asks is there too, and holds none of the places.
      connections: expect.any(Number),
      activeConnections: 0,
      maxConnections: 100,
      port: server.port,
      summary: { unhealthy: 0, degraded: 0 },
      history: expect.any(Array),
    });
    expect(Object.keys(json['checks'] as Json)).toEqual(
      expect.arrayContaining(['system', 'process', 'store', 'tools', 'tool_echo', 'tool_wait', 'plug-in']),
    );
    expect(await check('system')).toMatchObject({
      status: 'healthy',
      priority: 'HIGH',
      cpu_percent: expect.any(Number),
    });
  });

  it(
    'S4-46 S4-40 is 207 where a check of a plug-in finds so, and 200 again when it does not',
    async () => {
      await rest.execute('setHealth', { status: 'degraded' });
      const degraded = await until(async () => {
        const answer = await rest.get('/health');
        return answer.status === 207 && answer;
      }, 'a degraded round');
      expect(degraded.json).toMatchObject({ status: 'degraded', checks: { 'plug-in': { message: 'as it was told' } } });
      await rest.execute('setHealth', { status: 'healthy' });
      await until(async () => (await rest.get('/health')).status === 200, 'a healthy round');
      expect((await rest.get('/health')).json['history']).toEqual(
        expect.arrayContaining([{ status: 'degraded', timestamp: expect.any(String) }]),
      );
    },
    LONG_MS,
  );

  it(
    'S4-41 an open breaker degrades its tool, and one tool among many does not degrade the whole',
    async () => {
      for (let i = 0; i < 5; i++) await rest.execute('fails');
      await until(async () => (await check('tool_fails'))['status'] === 'degraded', 'the check of the tool');
      expect(await check('tool_fails')).toMatchObject({ priority: 'MEDIUM', breaker: 'open' });
      expect((await rest.get('/health')).status).toBe(200);
    },
    LONG_MS,
  );

  it('D-21 needs no Host match', async () => {
    for (const path of ['/health', '/health/live', '/health/ready']) {
      const bytes = wire(new URL(path, server.url).href, { method: 'GET', headers: { Host: '10.1.2.3:8080' } });
      expect((await exchange(server.url, bytes)).status).toBe(200);
    }
  });

  it('K-17 live and ready are 200 before anybody called, and say no more', async () => {
    expect(await rest.get('/health/live')).toMatchObject({ status: 200, json: { status: 'alive' } });
    expect(await rest.get('/health/ready')).toMatchObject({ status: 200, json: { status: 'ready' } });
  });

  it('K-18 is served on the management port too, with nothing but health and metrics, whatever the Host', async () => {
    const management = new RestClient(await managementOf(server));
    expect((await management.get('/health')).json).toMatchObject({ status: 'healthy', checks: expect.any(Object) });
    expect((await management.get('/metrics')).text).toContain('# TYPE mcp_messages_total counter');
    for (const path of [
      '/',
      '/tools',
      '/admin/tools',
      '/config',
      '/mcp',
      '/Metrics',
      '/metrics/',
      '/health/../tools',
    ]) {
      expect([path, (await management.get(path)).status]).toEqual([path, 404]);
    }
    expect((await management.post('/metrics')).status).toBe(405);
    expect((await management.send('OPTIONS', '/health')).status).toBe(204);
    const url = await managementOf(server);
    const foreign = wire(`${url}/metrics`, { method: 'GET', headers: { Host: 'pod-7:3003' } });
    expect((await exchange(url, foreign)).status).toBe(200);
  });
});

describe('/health where something is wrong', () => {
  it(
    'S4-3 W-35 is 503 where a dependency is gone; the process is alive and ready all the same',
    async () => {
      const { rest } = await start({ env: { MCP_HEALTH_DEPENDENCIES: '127.0.0.1:1,sh' } });
      const { status, json } = await rest.get('/health');
      expect(status).toBe(503);
      expect(json).toMatchObject({
        status: 'unhealthy',
        checks: {
          'dependency_127.0.0.1:1': {
            status: 'unhealthy',
            priority: 'CRITICAL',
            message: expect.stringContaining('ECONNREFUSED'),
          },
          dependency_sh: { status: 'healthy' },
        },
      });
      expect((await rest.get('/health/live')).status).toBe(200);
      expect((await rest.get('/health/ready')).status).toBe(200);
    },
    LONG_MS,
  );

  it(
    'S4-41 K-17 is degraded where a program is missing, with 200 for balancers that take nothing else',
    async () => {
      const env = {
        MCP_HEALTH_DEGRADED_CODE: '200',
        MCP_RUN_COMMAND_ENABLED: 'true',
        MCP_RUN_COMMAND_ALLOW: 'no-such-program',
      };
      const { rest } = await start({ env });
      expect(await rest.get('/health')).toMatchObject({
        status: 200,
        json: {
          status: 'degraded',
          checks: {
            tools: { status: 'unhealthy', missing: ['no-such-program'] },
            tool_run_command: { status: 'unhealthy', message: 'Not installed: no-such-program' },
          },
        },
      });
    },
    LONG_MS,
  );

  it(
    'S4-42 a check that hangs is unhealthy when its time is up, and holds up no other; ten rounds are shown',
    async () => {
      const { rest } = await start({
        env: { ...QUICK, MCP_HEALTH_TIMEOUT: '1' },
        plugins: [fixture('operations/index')],
      });
      await rest.execute('setHealth', { status: 'hung' });
      const { status, json } = await until(async () => {
        const answer = await rest.get('/health');
        return answer.status === 207 && answer;
      }, 'the round with the check that hangs');
      expect(json).toMatchObject({
        status: 'degraded',
        checks: {
          'plug-in': { status: 'unhealthy', priority: 'HIGH', message: 'timeout of 1000ms exceeded' },
          system: { status: 'healthy' },
          process: { status: 'healthy' },
        },
      });
      expect(status).toBe(207);
      expect((await rest.get('/health/ready')).status).toBe(200);
      expect((json['history'] as unknown[]).length).toBeLessThanOrEqual(10);
    },
    LONG_MS,
  );

  it(
    'D-13 tells a caller who may not read it how it does, and no names',
    async () => {
      const { rest } = await start({ env: { MCP_ANONYMOUS_ROLE: 'viewer' } });
      const { status, json } = await rest.get('/health');
      expect(status).toBe(200);
      expect(Object.keys(json).sort()).toEqual(['status', 'summary', 'timestamp', 'transport']);
    },
    LONG_MS,
  );
});

describe('the end of a server', () => {
  it(
    'K-17 S4-34 is not ready while it drains, alive until the end, and waits for a call by REST',
    async () => {
      const { server, rest } = await start({
        env: { ...QUICK, MCP_MANAGEMENT_PORT: '0' },
        plugins: [fixture('operations/index')],
      });
      const management = new RestClient(await managementOf(server));
      const running = rest.execute('wait', { ms: 2_000 });
      await until(
        async () => /mcp_tool_active_executions\{tool="wait"\} 1/.test((await rest.get('/metrics')).text),
        'the call',
      );
      const ended = server.stop();
      await until(async () => (await management.get('/health/ready')).status === 503, 'the drain');
      expect((await management.get('/health/ready')).json).toEqual({ status: 'not_ready', reason: 'ending' });
      expect((await management.get('/health/live')).status).toBe(200);
      expect(await rest.execute('echo', { message: 'x' })).toMatchObject({
        status: 503,
        json: { kind: 'shutting_down' },
      });
      expect(await running).toMatchObject({ status: 200, json: { stdout: 'done' } });
      expect((await ended).code).toBe(0);
    },
    LONG_MS,
  );
});

describe('the management port', () => {
  it(
    'S2-33 ends the start where it is in use, and names the settings',
    async () => {
      const { server } = await start();
      const folder = await temporaryFolder();
      try {
        const args = ['serve', '--transport', 'http', '--port', '0', '--management-port', String(server.port)];
        const ended = await Program.run({ args, cwd: folder.path, env: { HOME: folder.path } });
        expect(ended.code).toBe(1);
        expect(ended.stderr).toMatch(/management port \d+ on 127\.0\.0\.1 is in use: set MCP_MANAGEMENT_PORT/);
      } finally {
        await folder.remove();
      }
    },
    LONG_MS,
  );

  it(
    'W-42 gives a server on stdio alone a health to ask for',
    async () => {
      const folder = await temporaryFolder();
      const program = Program.start({
        args: ['serve', '--transport', 'stdio', '--management-port', '0'],
        cwd: folder.path,
        env: { ...UNMOVED, HOME: folder.path },
      });
      try {
        const [, url = ''] = await program.said(/Without credentials at (http:\S+):/);
        expect((await new RestClient(url).get('/health')).json).toMatchObject({
          status: 'healthy',
          transport: 'stdio',
        });
        expect(program.stdout).toBe('');
        program.endInput();
        expect((await program.ending()).code).toBe(0);
      } finally {
        await program.stop('SIGKILL');
        await folder.remove();
      }
    },
    LONG_MS,
  );
});
