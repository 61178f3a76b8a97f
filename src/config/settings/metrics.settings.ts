import { Bool, Int } from '../setting.decorators.js';

/** Figures for whoever runs the server. */
export class MetricsSettings {
  @Bool({ env: 'MCP_METRICS_ENABLED', default: true, doc: 'Serve /metrics.' })
  readonly enabled!: boolean;

  @Bool({
    env: 'MCP_METRICS_PROMETHEUS_ENABLED',
    default: true,
    doc: 'Serve /metrics in the text form of Prometheus; off, it is JSON.',
  })
  readonly prometheusEnabled!: boolean;

  @Int({
    env: 'MCP_METRICS_PROMETHEUS_PORT',
    min: 0,
    max: 65535,
    strict: true,
    doc: 'Port of a listener of its own for /metrics, without credentials; 0 takes any free one.',
  })
  readonly prometheusPort?: number;

  @Int({
    env: 'MCP_METRICS_COLLECTION_INTERVAL',
    default: 15,
    min: 5,
    max: 300,
    unit: 's',
    doc: 'Pause between two samples of processors, memory and disk.',
  })
  readonly collectionIntervalSec!: number;

  @Int({
    env: 'MCP_EVENTS_INTERVAL',
    default: 5,
    min: 1,
    max: 300,
    unit: 's',
    doc: 'Pause between two pairs of health and metrics on the stream /events.',
  })
  readonly eventsIntervalSec!: number;
}
