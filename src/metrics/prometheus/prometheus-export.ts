import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Family, Sample } from '../instruments.js';
import { Instruments } from '../instruments.js';
import { MetricsExport } from '../metrics-export.js';

/** What prom-client asks a metric for when it is scraped. */
interface Reading {
  readonly name: string;
  readonly help: string;
  readonly type: Family['type'];
  readonly aggregator: 'sum';
  readonly values: readonly {
    readonly value: number;
    readonly labels: Sample['labels'];
    readonly metricName?: string;
  }[];
}

/** A line whose value is not finite, as prom-client writes it. */
const NOT_A_NUMBER = /^[^#\n].* (?:NaN|Nan|[+-]Inf)\n/gm;

const METRICS = { counter: Counter, gauge: Gauge, histogram: Histogram } as const;

/**
 * Shows the figures in the text form of Prometheus. They are counted elsewhere, in plain numbers, and read into
 * prom-client when somebody scrapes: its own counters would cost every call most of a microsecond.
 */
@Injectable()
export class PrometheusExport extends MetricsExport {
  /** One of our own: a host application may use the global one for itself. */
  private readonly registry = new Registry();

  constructor(private readonly instruments: Instruments) {
    super();
    collectDefaultMetrics({ register: this.registry });
  }

  override get contentType(): string {
    return this.registry.contentType;
  }

  override async text(): Promise<string> {
    // A plug-in may register a counter at any time.
    for (const family of this.instruments.families) this.adopt(family);
    const text = await this.registry.metrics();
    // The defaults of the process have figures that are no numbers when two scrapes come close together.
    return text.replace(NOT_A_NUMBER, '');
  }

  private adopt(family: Family): void {
    const { name, help, type, labelNames } = family;
    if (this.registry.getSingleMetric(name)) return;
    const metric = new METRICS[type]({ name, help, labelNames: [...labelNames], registers: [] });
    const read = async (): Promise<Reading> => readingOf(family);
    this.registry.registerMetric(Object.assign(metric, { get: read, getForPromString: read }));
  }
}

function readingOf(family: Family): Reading {
  const { name, help, type } = family;
  const values = family.samples().map(({ labels, value, suffix }) => ({
    value,
    labels,
    ...(suffix && { metricName: `${name}${suffix}` }),
  }));
  return { name, help, type, aggregator: 'sum', values };
}
