import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/places.js';
import type { Json } from '../support/messages.js';

/** A manifest, as it is in YAML. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: unknown;
  readonly data?: Readonly<Record<string, string>>;
}

export interface RenderOptions {
  readonly chart?: string;
  readonly release?: string;
  readonly namespace?: string;
  readonly files?: readonly string[];
  readonly set?: Json;
}

interface Renderer {
  renderChart(options?: RenderOptions): { source: string; text: string; manifest: Manifest }[];
  renderNotes(options?: RenderOptions): string;
  plainManifests(): ReadonlyMap<string, string>;
}

export const renderer = (await import(join(ROOT, 'scripts/chart.mjs'))) as Renderer;

export const CHART = join(ROOT, 'helm', 'gatehouse');
const VALUES = join(import.meta.dirname, 'values');

/** Values that users may well have, by name; the default ones first. */
export const VALUE_SETS: ReadonlyMap<string, RenderOptions> = new Map([
  ['default', {}],
  ...readdirSync(VALUES).map((file): [string, RenderOptions] => [
    file.replace('.yaml', ''),
    { release: 'tools', namespace: 'platform', files: [join(VALUES, file)] },
  ]),
]);

export function manifestsOf(options: RenderOptions = {}): readonly Manifest[] {
  return renderer.renderChart(options).map(({ manifest }) => manifest);
}

/** @returns what Kubernetes would not take, a line each */
export function faultsOf(manifests: readonly unknown[]): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'validate-manifests.mjs')],
    {
      input: JSON.stringify(manifests),
      encoding: 'utf8',
    },
  );
  if (stderr !== '' || (status !== 0 && stdout === '')) throw new Error(stderr);
  return stdout.trim();
}

type Labels = Readonly<Record<string, string>>;

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly command?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string; readonly valueFrom?: Json }[];
  readonly envFrom?: readonly { readonly configMapRef: { readonly name: string } }[];
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[];
  readonly livenessProbe?: { readonly httpGet: { readonly path: string; readonly port: string } };
  readonly readinessProbe?: Container['livenessProbe'];
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
  readonly resources: { readonly requests: Labels; readonly limits: Labels };
  readonly securityContext: Json;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}

export interface PodSpec {
  readonly containers: readonly Container[];
  readonly volumes?: readonly Json[];
  readonly securityContext: Json;
  readonly enableServiceLinks?: boolean;
  readonly automountServiceAccountToken?: boolean;
  readonly terminationGracePeriodSeconds?: number;
  readonly [field: string]: unknown;
}

interface PodTemplate {
  readonly metadata: { readonly labels: Labels; readonly annotations: Labels };
  readonly spec: PodSpec;
}

/** What a manifest runs: the template of the deployment, or the pod that it is. */
export function podOf({ kind, metadata, spec }: Manifest): PodTemplate | undefined {
  if (kind === 'Deployment') return (spec as { template: PodTemplate }).template;
  return kind === 'Pod' ? ({ metadata, spec } as unknown as PodTemplate) : undefined;
}

export function only(manifests: readonly Manifest[], kind: string, name?: string): Manifest {
  const found = manifests.filter((each) => each.kind === kind && (name === undefined || each.metadata.name === name));
  if (found.length !== 1) throw new Error(`There are ${found.length} of ${kind} ${name ?? ''}`);
  return found[0] as Manifest;
}
