import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BuiltServer, type ServerOptions } from '../support/built-server.js';
import { request } from '../support/messages.js';
import { fixture, ROOT } from '../support/places.js';
import { groupLabelsOf, samplesOf, selectorsOf, type ShownSample } from '../support/promql.js';
import { RawHttp } from '../support/raw-http.js';
import { RestClient } from '../support/rest-client.js';
import { PATIENCE_MS, until } from '../support/waiting.js';
import { exchange, wire } from './http-wire.js';

const LONG_MS = 4 * PATIENCE_MS;
const open: BuiltServer[] = [];
const start = async (options: ServerOptions = {}): Promise<{ server: BuiltServer; rest: RestClient }> => {
  const server = await BuiltServer.start(options);
  open.push(server);
  return { server, rest: new RestClient(server.url) };
};

afterAll(async () => {
  await Promise.all(open.map((server) => server.dispose()));
}, LONG_MS);

describe('/metrics', () => {
  let server: BuiltServer;
  let rest: RestClient;
  const samples = async (): Promise<readonly ShownSample[]> => samplesOf((await rest.get('/metrics')).text);
  const value = async (name: string, labels: Record<string, string> = {}): Promise<number | undefined> =>
    (await samples()).find(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
    )?.value;

  beforeAll(async () => {
    ({ server, rest } = await start({
      plugins: [fixture('operations/index')],
      env: { MCP_RATE_LIMIT_MAX: '100000', MCP_ANONYMOUS_ROLE: 'admin' },
    }));
    const mcp = new RawHttp(server.url);
    const { session } = await mcp.initialize();
    await mcp.post(request(1, 'tools/call', { name: 'echo', arguments: { message: 'x' } }), session);
    await rest.execute('echo', { message: 'y' });
    await rest.execute('echo', { message: 1 });
    await rest.execute('no-such-tool"\n');
    for (let i = 0; i < 6; i++) await rest.execute('fails');
    await rest.execute('wait', { ms: 60_000, timeout_sec: 1 });
    await exchange(server.url, wire(server.url, { headers: { Host: 'evil.example' } }));
  }, LONG_MS);

  it('S4-43 K-21 counts a call the same, whichever door it came through', async () => {
    expect(await value('mcp_tool_execution_total', { tool: 'echo', status: 'success' })).toBe(2);
    expect(await value('mcp_tool_execution_duration_seconds_count', { tool: 'echo' })).toBe(2);
    expect(await value('mcp_tool_active_executions', { tool: 'echo' })).toBe(0);
  });

  it('S4-43 K-21 tells failures, timeouts and refusals apart', async () => {
    expect(await value('mcp_tool_execution_total', { tool: 'fails', status: 'failure', error_type: 'unknown' })).toBe(
      5,
    );
    expect(await value('mcp_tool_execution_total', { tool: 'wait', status: 'timeout' })).toBe(1);
    expect(await value('mcp_tool_timeouts_total', { tool: 'wait' })).toBe(1);
    expect(await value('mcp_refusals_total', { kind: 'invalid_params' })).toBe(1);
    expect(await value('mcp_refusals_total', { kind: 'unknown_tool' })).toBe(1);
    expect(await value('mcp_refusals_total', { kind: 'breaker_open' })).toBe(1);
  });

  it('S4-43 shows where breakers are, and how they got there', async () => {
    expect(await value('mcp_circuit_breaker_state', { tool: 'fails', state: 'open' })).toBe(1);
    expect(await value('mcp_circuit_breaker_state', { tool: 'fails', state: 'closed' })).toBe(0);
    expect(await value('mcp_circuit_breaker_state', { tool: 'echo', state: 'closed' })).toBe(1);
    const opened = { tool: 'fails', from_state: 'closed', to_state: 'open' };
    expect(await value('mcp_circuit_breaker_transitions_total', opened)).toBe(1);
  });

  it('counts sessions, messages and connections by door, and what waits', async () => {
    expect(await value('mcp_sessions_active')).toBe(1);
    expect(await value('mcp_messages_total', { door: 'http' })).toBe(2);
    expect(await value('mcp_connections_total', { door: 'http' })).toBeGreaterThan(1);
    expect(await value('mcp_connections_active', { door: 'http' })).toBeGreaterThan(0);
    expect(await value('mcp_tool_queue_depth', { tool: 'echo' })).toBe(0);
    expect(await value('mcp_limit', { limit: 'sessions' })).toBe(1_000);
  });

  it('6.1 counts security events', async () => {
    expect(await value('mcp_security_events_total', { event: 'host_rejected' })).toBe(1);
    expect(await value('mcp_security_events_total', { event: 'session_created' })).toBe(1);
  });

  it('S4-46 shows counters of plug-ins', async () => {
    expect(await value('plugin_waits_total', { end: 'cancelled' })).toBe(1);
  });

  it('shows the event loop and the process', async () => {
    expect(await value('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0);
    expect(await value('process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(await value('mcp_build_info')).toBe(1);
    await until(async () => (await value('mcp_health_status')) !== undefined, 'the first round of health');
  });

  it('S4-44 shows numbers alone, none below zero, and no name from outside', async () => {
    const all = await samples();
    expect(all.length).toBeGreaterThan(100);
    expect(all.filter(({ value: shown }) => !Number.isFinite(shown) || shown < 0)).toEqual([]);
    expect(JSON.stringify(all)).not.toMatch(/no-such-tool|evil\.example/);
  });

  it('S4-44 S3-10 S3-17 is JSON where that is asked for', async () => {
    const asked = [await rest.get('/metrics?format=json'), await rest.get('/metrics', { Accept: 'application/json' })];
    for (const { headers, json } of asked) {
      expect(headers.get('content-type')).toContain('application/json');
      expect(json).toMatchObject({
        system: { cpu: expect.any(Number), memory: expect.any(Number) },
        uptime_seconds: expect.any(Number),
        request_count: expect.any(Number),
        error_count: 6,
        active_connections: expect.any(Number),
        sessions: { totalSessions: 1, activeSessions: 1, connectionTime: expect.stringMatching(/Z$/) },
        activeServers: 1,
        activeRequests: { total: 0, bySession: {} },
        timestamp: expect.stringMatching(/Z$/),
        tools: {
          echo: { executions: 2, successes: 2, failures: 0, refused: 1, active: 0, success_rate: 1 },
          fails: { executions: 5, successes: 0, failures: 5, refused: 1, recent_failure_rate: 1 },
          wait: { timeouts: 1, failures: 1, p50: expect.any(Number), p95: expect.any(Number) },
        },
      });
    }
    expect(asked[0]?.text).not.toMatch(/NaN|Infinity|null,"p|:-/);
    const prometheus = await rest.get('/metrics', { Accept: 'application/openmetrics-text;q=0.5,text/plain;q=0.4' });
    expect(prometheus.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  });
});

describe('the dashboard', () => {
  interface Panel {
    readonly type: string;
    readonly title: string;
    readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
  }

  const OF_TARGET = ['instance', 'job'];
  let shown: ReadonlyMap<string, ReadonlySet<string>>;
  let panels: readonly Panel[];

  beforeAll(async () => {
    const board = await readFile(join(ROOT, 'helm', 'gatehouse', 'dashboards', 'gatehouse.json'), 'utf8');
    ({ panels } = JSON.parse(board) as { panels: Panel[] });
    const { server, rest } = await start({
      plugins: [fixture('operations/index')],
      env: { MCP_RATE_LIMIT_MAX: '100000', MCP_METRICS_COLLECTION_INTERVAL: '5' },
    });
    const mcp = new RawHttp(server.url);
    const { session } = await mcp.initialize();
    await mcp.post(request(1, 'resources/read', { uri: 'server://info' }), session);
    await mcp.post(request(2, 'prompts/get', { name: 'server-overview' }), session);
    await rest.execute('fails');
    await rest.execute('nonesuch');
    const text = await until(async () => {
      const { text: now } = await rest.get('/metrics');
      return /^mcp_health_check\{/m.test(now) && /^mcp_system_cpu_percent /m.test(now) && now;
    }, 'a round of health and a sample of the machine');
    const labels = new Map<string, Set<string>>();
    for (const sample of samplesOf(text)) {
      const known = labels.get(sample.name) ?? new Set(OF_TARGET);
      labels.set(sample.name, known);
      for (const label of Object.keys(sample.labels)) known.add(label);
    }
    shown = labels;
  }, LONG_MS);

  it('issue 5 reads only metrics and labels that a running server shows', () => {
    const queries = panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })),
    );
    expect(queries.length).toBeGreaterThan(25);
    for (const { title, expr, legendFormat } of queries) {
      const selectors = selectorsOf(expr);
      expect([title, selectors.length > 0]).toEqual([title, true]);
      const used = [
        ...groupLabelsOf(expr),
        ...[...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label),
      ];
      for (const { metric, labels } of selectors) {
        expect([title, metric, shown.has(metric)]).toEqual([title, metric, true]);
        const missing = [...labels, ...used].filter((label) => !shown.get(metric)?.has(label));
        expect([title, metric, missing]).toEqual([title, metric, []]);
      }
    }
  });

  it('gives every panel a title of its own', () => {
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
  });
});

describe('/metrics by its settings', () => {
  it(
    'K-20 S4-8 is JSON where Prometheus is off',
    async () => {
      const { rest } = await start({ env: { MCP_METRICS_PROMETHEUS_ENABLED: 'false' } });
      expect((await rest.get('/metrics')).json).toMatchObject({ tools: { echo: { executions: 0 } } });
    },
    LONG_MS,
  );

  it(
    'is not there where metrics are off',
    async () => {
      const { rest } = await start({ env: { MCP_METRICS_ENABLED: 'false', MCP_METRICS_PROMETHEUS_PORT: '0' } });
      expect(await rest.get('/metrics')).toMatchObject({ status: 404, json: { kind: 'not_found' } });
    },
    LONG_MS,
  );

  it(
    'K-20 has a port of its own where one is named, with nothing but metrics',
    async () => {
      const { server } = await start({ env: { MCP_METRICS_PROMETHEUS_PORT: '0', MCP_ANONYMOUS_ROLE: 'viewer' } });
      const [, url = ''] = await server.said(/Without credentials at (http:\S+): \/metrics"/);
      const own = new RestClient(url);
      expect((await own.get('/metrics')).text).toContain('mcp_build_info');
      expect((await own.get('/health')).status).toBe(404);
      // The same caller, at the door where a role decides.
      expect((await new RestClient(server.url).get('/metrics')).status).toBe(403);
    },
    LONG_MS,
  );
});
