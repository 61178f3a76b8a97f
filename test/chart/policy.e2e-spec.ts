import { BlockList } from 'node:net';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { SETTINGS } from '../../src/config/schema.js';
import { overrideKeyOfEnv } from '../../src/config/tool-overrides.js';
import { type Container, type Manifest, manifestsOf, only, podOf, type PodSpec, VALUE_SETS } from './chart.js';

const LONG_MS = 240_000;

const KNOWN = new Set(SETTINGS.map(({ env }) => env));
const SECRETS = new Set([
  ...SETTINGS.filter(({ secret }) => secret === true).map(({ env }) => env),
  'MCP_API_KEYS',
  'MCP_AUTH_TOKENS',
  'MCP_JWT_SECRET',
]);

interface Port {
  readonly name: string;
  readonly port: number;
  readonly targetPort: string;
}
interface Selector {
  readonly matchLabels: Readonly<Record<string, string>>;
}
interface Rules {
  readonly ingress: readonly { readonly from: unknown[]; readonly ports: readonly { readonly port: string }[] }[];
  readonly egress: readonly { readonly to: readonly { readonly ipBlock?: { readonly cidr: string } }[] }[];
}

const podsOf = (manifests: readonly Manifest[]): readonly PodSpec[] =>
  manifests.flatMap((manifest) => podOf(manifest)?.spec ?? []);
const containersOf = (manifests: readonly Manifest[]): readonly Container[] =>
  podsOf(manifests).flatMap(({ containers }) => containers);
const serverOf = (manifests: readonly Manifest[]): NonNullable<ReturnType<typeof podOf>> => {
  const pod = podOf(only(manifests, 'Deployment'));
  if (!pod) throw new Error('There is no server');
  return pod;
};
const labelsMatch = (
  wanted: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>> | undefined,
): boolean => Object.entries(wanted).every(([name, value]) => labels?.[name] === value);

beforeAll(() => {
  manifestsOf();
}, LONG_MS);

describe.each([...VALUE_SETS])('S4-49 with the values "%s"', (_name, options) => {
  let manifests: readonly Manifest[];

  beforeAll(() => {
    manifests = manifestsOf(options);
  });

  it('nothing runs as root, gains rights, or writes to its image', () => {
    expect(containersOf(manifests).length).toBeGreaterThan(0);
    for (const pod of podsOf(manifests)) {
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) expect(pod[field] ?? false).toBe(false);
      for (const { securityContext } of pod.containers) {
        expect(securityContext).toMatchObject({
          runAsNonRoot: true,
          runAsUser: 1000,
          privileged: false,
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect((securityContext['capabilities'] as object | undefined) ?? {}).not.toHaveProperty('add');
      }
    }
  });

  it('S4-48 everything has what it needs, and a limit', () => {
    for (const { resources } of containersOf(manifests)) {
      for (const amounts of [resources.requests, resources.limits])
        expect(Object.keys(amounts).sort()).toEqual(['cpu', 'memory']);
    }
  });

  it('no pod gets a token of the cluster, or variables of its services', () => {
    for (const pod of podsOf(manifests))
      expect([pod.automountServiceAccountToken, pod.enableServiceLinks]).toEqual([false, false]);
    for (const account of manifests.filter(({ kind }) => kind === 'ServiceAccount'))
      expect(account).toMatchObject({ automountServiceAccountToken: false });
    expect(manifests.map(({ kind }) => kind)).not.toEqual(expect.arrayContaining([expect.stringMatching(/Role/)]));
  });

  it('writes to nothing but what is made for it', () => {
    const { spec } = serverOf(manifests);
    const [server] = spec.containers;
    const writable = (server?.volumeMounts ?? []).filter(({ readOnly }) => readOnly !== true);
    expect(writable.map(({ mountPath }) => mountPath).sort()).toEqual(['/tmp', '/var/lib/gatehouse']);
    for (const { name } of server?.volumeMounts ?? [])
      expect(spec.volumes?.map((volume) => volume['name'])).toContain(name);
    for (const volume of spec.volumes ?? []) expect(volume).not.toHaveProperty('hostPath');
  });

  it('every variable is a setting of the program', () => {
    const configMap = only(manifests, 'ConfigMap', only(manifests, 'Deployment').metadata.name);
    const [server] = serverOf(manifests).spec.containers;
    const variables = [...Object.keys(configMap.data ?? {}), ...(server?.env ?? []).map(({ name }) => name)];
    const isKnown = (name: string): boolean => KNOWN.has(name) || overrideKeyOfEnv(name) !== undefined;
    expect(variables.filter((name) => !isKnown(name))).toEqual([]);
    expect(new Set(variables).size).toBe(variables.length);
    expect(server?.envFrom).toEqual([{ configMapRef: { name: configMap.metadata.name } }]);
  });

  it('W-36 secrets come by reference alone', () => {
    const variables = containersOf(manifests).flatMap(({ env }) => env ?? []);
    for (const { name, value, valueFrom } of variables) {
      if (SECRETS.has(name)) expect([name, value, valueFrom]).toMatchObject([name, undefined, { secretKeyRef: {} }]);
    }
    expect(variables.map(({ name }) => name)).toContain('MCP_SESSION_KEYS');
    for (const { data } of manifests.filter(({ kind }) => kind === 'ConfigMap'))
      for (const name of Object.keys(data ?? {})) expect(SECRETS.has(name)).toBe(false);
    expect(manifests.map(({ kind }) => kind)).not.toContain('Secret');
  });

  it('K-36 the pod outlasts the pause and the grace of the program', () => {
    const { spec } = serverOf(manifests);
    const [, pause] = spec.containers[0]?.lifecycle?.preStop.exec.command ?? [];
    const { data } = only(manifests, 'ConfigMap', only(manifests, 'Deployment').metadata.name);
    const grace = Number(data?.['MCP_SERVER_SHUTDOWN_GRACE_PERIOD']);
    expect(Number(pause)).toBeGreaterThan(0);
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(Number(pause) + grace);
  });

  it('whatever selects the server finds it, and finds nothing else', () => {
    const { metadata, spec } = serverOf(manifests);
    const others = manifests.filter(({ kind }) => kind === 'Pod').map((pod) => pod.metadata.labels);
    const selectors = [
      ...manifests
        .filter(({ kind }) => ['Deployment', 'PodDisruptionBudget'].includes(kind))
        .map((each) => (each.spec as { selector: Selector }).selector.matchLabels),
      ...manifests
        .filter(({ kind }) => kind === 'NetworkPolicy')
        .map((each) => (each.spec as { podSelector: Selector }).podSelector.matchLabels),
      ...manifests
        .filter(({ kind }) => kind === 'Service')
        .map((each) => (each.spec as { selector: Selector['matchLabels'] }).selector),
    ];
    expect(selectors.length).toBeGreaterThanOrEqual(2);
    for (const selector of selectors) {
      expect([selector, labelsMatch(selector, metadata.labels)]).toEqual([selector, true]);
      for (const labels of others) expect(labelsMatch(selector, labels)).toBe(false);
    }
    const ports = (spec.containers[0]?.ports ?? []).map(({ name }) => name);
    for (const service of manifests.filter(({ kind }) => kind === 'Service'))
      for (const { targetPort } of (service.spec as { ports: Port[] }).ports) expect(ports).toContain(targetPort);
  });

  it('what scales, routes and scrapes names what is there', () => {
    const named = new Set(manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`));
    for (const { spec } of manifests.filter(({ kind }) => kind === 'HorizontalPodAutoscaler')) {
      const { kind, name } = (spec as { scaleTargetRef: { kind: string; name: string } }).scaleTargetRef;
      expect(named).toContain(`${kind}/${name}`);
    }
    for (const { spec } of manifests.filter(({ kind }) => kind === 'Ingress')) {
      const text = JSON.stringify(spec);
      for (const [, name] of text.matchAll(/"service":\{"name":"([^"]+)"/g)) expect(named).toContain(`Service/${name}`);
    }
    for (const { spec } of manifests.filter(({ kind }) => kind === 'ServiceMonitor')) {
      const { selector } = spec as { selector: Selector };
      const scraped = manifests.filter(
        ({ kind, metadata }) => kind === 'Service' && labelsMatch(selector.matchLabels, metadata.labels),
      );
      expect(scraped.map(({ metadata }) => metadata.name)).toEqual([expect.stringMatching(/-management$/)]);
    }
  });

  it('reaches private networks and what it is told, never where clouds keep credentials', () => {
    const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy');
    for (const { spec } of policies) {
      const { egress, ingress } = spec as Rules;
      const reached = new BlockList();
      for (const { ipBlock } of egress.flatMap(({ to }) => to)) {
        const [network = '', bits] = ipBlock?.cidr.split('/') ?? [];
        if (ipBlock) reached.addSubnet(network, Number(bits));
      }
      for (const address of ['169.254.169.254', '8.8.8.8', '127.0.0.1']) expect(reached.check(address)).toBe(false);
      expect(reached.check('10.20.0.1')).toBe(true);
      // The management port asks for no credential: not everybody may reach it.
      const rule = ingress.find(({ ports }) => ports.some(({ port }) => port === 'management'));
      expect(rule?.ports).toHaveLength(1);
      expect(rule?.from).not.toContainEqual({ namespaceSelector: {} });
    }
  });
});

describe('the ingress', () => {
  it('holds no stream back, leaves quiet ones open, and shows MCP alone', () => {
    const { metadata, spec } = only(manifestsOf(VALUE_SETS.get('ingress')), 'Ingress');
    const of = (name: string): string | undefined => metadata.annotations?.[`nginx.ingress.kubernetes.io/${name}`];
    expect([of('proxy-buffering'), of('proxy-request-buffering'), of('proxy-http-version')]).toEqual([
      'off',
      'off',
      '1.1',
    ]);
    // Longer than the comments that keep a stream alive, and the pings of a WebSocket, are apart.
    for (const name of ['proxy-read-timeout', 'proxy-send-timeout']) expect(Number(of(name))).toBeGreaterThan(60);
    const { rules } = spec as { rules: { host: string; http: { paths: { path: string }[] } }[] };
    expect(rules.map(({ host }) => host)).toEqual(['tools.example.com', 'tools.example.org']);
    const paths = rules.flatMap(({ http }) => http.paths.map(({ path }) => path));
    expect([...new Set(paths)]).toEqual(['/mcp', '/sse', '/message', '/ws', '/.well-known']);
  });

  it('its hosts are hosts that the server knows', () => {
    const { data } = only(manifestsOf(VALUE_SETS.get('ingress')), 'ConfigMap');
    expect(data?.['MCP_ALLOWED_HOSTS']?.split(',')).toEqual([
      'tools-gatehouse',
      'tools-gatehouse.platform',
      'tools-gatehouse.platform.svc',
      'tools-gatehouse.platform.svc.cluster.local',
      'tools.example.com',
      'tools.example.org',
      'tools.internal',
    ]);
    expect(data?.['MCP_PUBLIC_URL']).toBe('https://tools.example.com');
  });
});
