import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { FakeClock } from '../../../test/support/fake-clock.js';
import { groupLabelsOf, samplesOf, selectorsOf } from '../../../test/support/promql.js';
import { ToolWorld } from '../../../test/support/tool-world.js';
import { AppConfig } from '../../config/index.js';
import { GuardGauges } from '../../dispatch/guard-gauges.js';
import { LiveGauges } from '../../dispatch/live-gauges.js';
import { BuiltinIndicators, type BuiltinParts } from '../../health/builtin-indicators.js';
import type { SessionService } from '../../session/index.js';
import { Instruments } from '../../metrics/instruments.js';
import { MemoryMetricsRecorder } from '../../metrics/metrics-recorder.js';
import { SystemSampler } from '../../metrics/system-sampler.js';
import { PrometheusExport } from '../../metrics/prometheus/prometheus-export.js';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

interface RuleFile {
  readonly spec: { readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[] };
}

const text = await readFile(new URL('../../../k8s/prometheus-rules.yaml', import.meta.url), 'utf8');
const rules = (parse(text) as RuleFile).spec.groups.flatMap((group) => group.rules);

/** What Prometheus itself adds. */
const OF_PROMETHEUS = new Map([['up', ['job', 'instance']]]);
const TARGET_LABELS = ['job', 'instance', 'pod', 'namespace'];

/** Every metric that a server has, by its name as it is scraped, with its labels. */
async function registered(): Promise<ReadonlyMap<string, readonly string[]>> {
  const instruments = new Instruments();
  const world = new ToolWorld();
  new MemoryMetricsRecorder(instruments);
  const config = AppConfig.of();
  new LiveGauges(instruments, world.registry, {} as SessionService, config, config, new FakeClock());
  new GuardGauges(instruments, world.rates, world.audit);
  const sampler = new SystemSampler(config, instruments);
  new BuiltinIndicators(
    { instruments, sampler, monitor: {}, indicators: {} } as unknown as BuiltinParts,
    [],
  ).onModuleInit();
  sampler.onApplicationShutdown();
  const names = new Map<string, readonly string[]>(OF_PROMETHEUS);
  for (const { name, type, labelNames } of instruments.families) {
    if (type !== 'histogram') names.set(name, labelNames);
    else for (const suffix of ['_bucket', '_sum', '_count']) names.set(`${name}${suffix}`, [...labelNames, 'le']);
  }
  for (const { name, labels } of samplesOf(await new PrometheusExport(new Instruments()).text())) {
    names.set(name, Object.keys(labels));
  }
  return names;
}

describe('k8s/prometheus-rules.yaml', () => {
  it('S4-50 has the alerts of the seed, each once', () => {
    const names = rules.map(({ alert }) => alert);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(
      expect.arrayContaining(
        [
          'TargetDown',
          'ServerDown',
          'ToolFailures',
          'ToolFailuresCritical',
          'ToolTimeouts',
          'InvalidArguments',
          'ErrorSpike',
          'SlowP95',
          'SlowP99',
          'ManyActiveCalls',
          'ManyActiveCallsCritical',
          'MemoryHigh',
          'MachineCpuHigh',
          'MachineMemoryHigh',
        ].map((name) => `Gatehouse${name}`),
      ),
    );
  });

  it.each(rules)('W-32 $alert reads only metrics and labels that there are', async ({ expr }) => {
    const names = await registered();
    const selectors = selectorsOf(expr);
    expect(selectors.length).toBeGreaterThan(0);
    for (const { metric, labels } of selectors) {
      expect([...names.keys()]).toContain(metric);
      expect([...(names.get(metric) ?? []), ...TARGET_LABELS]).toEqual(expect.arrayContaining([...labels]));
      expect([...(names.get(metric) ?? []), ...TARGET_LABELS]).toEqual(
        expect.arrayContaining([...groupLabelsOf(expr)]),
      );
    }
  });

  it.each(rules)('$alert says what it means and how bad it is', ({ labels, annotations }) => {
    expect(['info', 'warning', 'critical']).toContain(labels.severity);
    expect(annotations.summary).toMatch(/\w/);
    expect(annotations.description).toMatch(/\.$/);
  });
});

describe('selectorsOf', () => {
  it('finds metrics and labels in a query, and takes neither functions nor groups for any', () => {
    const query =
      'histogram_quantile(0.95, sum by (tool, le) (rate(a_bucket{x="1", y!~"b.*"}[5m]))) > 3 * b_total + 0.1';
    expect(selectorsOf(query)).toEqual([
      { metric: 'a_bucket', labels: ['x', 'y'] },
      { metric: 'b_total', labels: [] },
    ]);
    expect(groupLabelsOf(query)).toEqual(['tool', 'le']);
  });
});
