import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { ROOT, type TemporaryFolder, temporaryFolder } from '../support/places.js';
import { CHART, faultsOf, type Manifest, manifestsOf, only, podOf, renderer, VALUE_SETS } from './chart.js';

const LONG_MS = 240_000;

const names = (manifests: readonly Manifest[]): string[] =>
  manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort();
const checksumOf = (set: Record<string, unknown>): string | undefined =>
  podOf(only(manifestsOf({ set }), 'Deployment'))?.metadata.annotations['checksum/config'];

/** Go and its libraries may have to be installed first. */
beforeAll(() => {
  manifestsOf();
}, LONG_MS);

describe('the chart', () => {
  it('is of the version of the program', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as Record<string, unknown>;
    expect([chart['appVersion'], chart['version']]).toEqual([version, version]);
  });

  it(
    'renders what Kubernetes takes, with every set of values',
    () => {
      const manifests = [...VALUE_SETS.values()].flatMap(manifestsOf);
      expect(VALUE_SETS.size).toBeGreaterThanOrEqual(7);
      expect(faultsOf(manifests)).toBe('');
      // It would have said so.
      const [deployment] = manifests.filter(({ kind }) => kind === 'Deployment');
      const wrong = (spec: object): object => ({ ...deployment, spec: { ...(deployment?.spec as object), ...spec } });
      const faults = faultsOf([wrong({ replicas: 'one' }), wrong({ replica: 1 })]);
      expect(faults).toContain('replicas must be integer');
      expect(faults).toContain('may only specify known properties');
    },
    LONG_MS,
  );

  it('is the same at every rendering: nothing is made up, and no cluster is looked into', () => {
    for (const options of VALUE_SETS.values()) expect(manifestsOf(options)).toEqual(manifestsOf(options));
    const templates = readdirSync(join(CHART, 'templates'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
    const actions = templates.flatMap((text) => text.match(/\{\{.*?\}\}/gs) ?? []);
    expect(actions.length).toBeGreaterThan(100);
    for (const action of actions)
      expect(action).not.toMatch(/\b(rand[A-Z]\w+|uuidv4|gen[A-Z]\w+|lookup|now|ago|date\w*|htpasswd|bcrypt)\b/);
  });

  it('is what the manifests of k8s/ are', () => {
    for (const [name, text] of renderer.plainManifests())
      expect([name, readFileSync(join(ROOT, 'k8s', name), 'utf8')]).toEqual([name, text]);
    const written = readdirSync(join(ROOT, 'k8s')).filter((name) => name !== 'prometheus-rules.yaml');
    expect(written.sort()).toEqual([...renderer.plainManifests().keys()].sort());
  });

  it('makes what it is asked for, and nothing else', () => {
    const always = ['ConfigMap tools', 'Deployment tools', 'Service tools'];
    expect(
      names(manifestsOf({ ...VALUE_SETS.get('bare'), release: 'tools', set: { fullnameOverride: 'tools' } })),
    ).toEqual(always);
    const monitored = names(manifestsOf(VALUE_SETS.get('monitored')));
    expect(monitored).toEqual(
      expect.arrayContaining(['ServiceMonitor tools-gatehouse', 'PrometheusRule tools-gatehouse']),
    );
    expect(names(manifestsOf(VALUE_SETS.get('autoscaled')))).toContain('HorizontalPodAutoscaler tools-gatehouse');
    expect(names(manifestsOf(VALUE_SETS.get('ingress')))).toContain('Ingress tools-gatehouse');
  });

  it('rolls the pods when a setting changes, and only then', () => {
    const before = checksumOf({});
    expect(checksumOf({ 'resources.limits.memory': '1Gi' })).toBe(before);
    expect(checksumOf({ 'config.MCP_LOG_LEVEL': 'debug' })).not.toBe(before);
    expect(checksumOf({ roles: { roles: {} } })).not.toBe(before);
  });

  it('writes settings as texts, a million as one', () => {
    const set = { config: { MCP_RATE_LIMIT_MAX: 1_000_000, MCP_LIST_PAGE_SIZE: 50, MCP_EXPOSE_TOOL_ERRORS: true } };
    expect(only(manifestsOf({ set }), 'ConfigMap').data).toMatchObject({
      MCP_RATE_LIMIT_MAX: '1000000',
      MCP_LIST_PAGE_SIZE: '50',
      MCP_EXPOSE_TOOL_ERRORS: 'true',
    });
  });

  it('leaves the number of pods to the autoscaler where there is one', () => {
    expect(only(manifestsOf(VALUE_SETS.get('replicas')), 'Deployment').spec).toMatchObject({ replicas: 3 });
    expect(only(manifestsOf(VALUE_SETS.get('autoscaled')), 'Deployment').spec).not.toHaveProperty('replicas');
  });

  it('starts no second process on a folder of state', () => {
    const strategyOf = (name: string): unknown =>
      (only(manifestsOf(VALUE_SETS.get(name)), 'Deployment').spec as { strategy: { type: string } }).strategy.type;
    expect([strategyOf('default'), strategyOf('replicas'), strategyOf('claim')]).toEqual([
      'RollingUpdate',
      'RollingUpdate',
      'Recreate',
    ]);
  });
});

describe('files that the chart carries', () => {
  let folder: TemporaryFolder;
  let chart: string;

  beforeAll(async () => {
    folder = await temporaryFolder();
    chart = join(folder.path, 'gatehouse');
    cpSync(CHART, chart, { recursive: true });
  });

  afterAll(() => folder.remove());

  it('the dashboard is in a ConfigMap that Grafana finds, as it is', () => {
    const text = '{\n  "title": "{{ pod }} \\"quoted\\"",\n  "panels": []\n}\n';
    mkdirSync(join(chart, 'dashboards'), { recursive: true });
    writeFileSync(join(chart, 'dashboards', 'gatehouse.json'), text);
    const manifests = manifestsOf({ chart, set: { 'dashboard.enabled': true } });
    const { data, metadata } = only(manifests, 'ConfigMap', 'gatehouse-dashboard');
    expect([data?.['gatehouse.json'], metadata.labels['grafana_dashboard']]).toEqual([text, '1']);
    expect(names(manifestsOf({ chart }))).not.toContain('ConfigMap gatehouse-dashboard');
  });

  it('the alerts are those of the rule file, with their templates whole', () => {
    const rules = parse(readFileSync(join(CHART, 'rules.yaml'), 'utf8')) as { groups: unknown[] };
    expect(rules.groups.length).toBeGreaterThan(0);
    expect(only(manifestsOf({ set: { 'prometheusRule.enabled': true } }), 'PrometheusRule').spec).toEqual(rules);
  });
});

describe('values that cannot work', () => {
  it.each([
    [{ replicas: 2 }, /replicas is 2 and redis.enabled is false: .*Set redis.enabled/],
    [{ 'autoscaling.enabled': true }, /autoscaling.enabled is true and redis.enabled is false: .*Set redis.enabled/],
    [
      { 'autoscaling.enabled': true, 'autoscaling.minReplicas': 20, 'redis.enabled': true },
      /minReplicas is more than autoscaling.maxReplicas/,
    ],
    [{ 'state.existingClaim': 'x', 'redis.enabled': true }, /with Redis nothing is kept in the pod/],
    [{ terminationGracePeriodSeconds: 35 }, /terminationGracePeriodSeconds is 35, .* take 35: set it to more/],
    [
      { terminationGracePeriodSeconds: 10, 'server.shutdownGraceSeconds': 1 },
      /terminationGracePeriodSeconds is 10, .* take 10: set it to more/,
    ],
    [{ 'ingress.enabled': true }, /ingress.hosts is empty: name at least one host/],
    [{ 'serviceMonitor.enabled': true, 'management.enabled': false }, /Set management.enabled/],
    [{ 'config.MCP_AUTH_TOKENS': 'x' }, /config.MCP_AUTH_TOKENS is a secret: put it into existingSecret/],
    [{ 'config.MCP_REDIS_URL': 'redis://x' }, /config.MCP_REDIS_URL is a secret/],
    [{ 'config.MCP_REDIS_SENTINEL_PASSWORD': 'x' }, /config.MCP_REDIS_SENTINEL_PASSWORD is a secret/],
    [{ 'config.MCP_SERVER_PORT': 1 }, /config.MCP_SERVER_PORT is set by the chart/],
    [{ replica: 2 }, /must NOT have additional properties: replica/],
    [{ 'config.PATH': '/bin' }, /property name must be valid/],
    [{ replicas: 0 }, /values.replicas must be >= 1/],
    [{ 'server.transports': ['stdio'] }, /values.server.transports.0 must be equal to one of the allowed values/],
    [{ 'resources.limits': null }, /must have required property 'limits'/],
    [{ 'server.port': 80 }, /values.server.port must be >= 1024/],
  ])('%j is refused with a sentence', (set, sentence) => {
    const rendered = (): unknown => manifestsOf({ set });
    expect(rendered).toThrow(sentence);
  });
});

describe('the notes', () => {
  it('tell how to make the secret that the pods wait for, and no more than that', () => {
    const notes = renderer.renderNotes();
    expect(notes).toContain('kubectl create secret generic gatehouse --namespace gatehouse');
    expect(notes).toContain('MCP_SESSION_KEYS="k1:$(openssl rand -base64 32)"');
    expect(notes).not.toContain('MCP_REDIS_URL');
    expect(notes).toContain('port-forward --namespace gatehouse service/gatehouse 8080:80');
  });

  it('tell of Redis, of the ingress and of the claim, where they are', () => {
    expect(renderer.renderNotes({ set: { 'redis.enabled': true } })).toContain('--from-literal=MCP_REDIS_URL=');
    expect(renderer.renderNotes(VALUE_SETS.get('replicas'))).toContain('Replicas share shared-redis/url');
    expect(renderer.renderNotes(VALUE_SETS.get('ingress'))).toContain('https://tools.example.com/mcp');
    expect(renderer.renderNotes(VALUE_SETS.get('claim'))).toContain('in the claim gatehouse-state');
  });
});
