import { Enum, Int, List } from '../setting.decorators.js';

/** What `/health` looks at, and how often. */
export class HealthSettings {
  @Int({
    env: 'MCP_HEALTH_CHECK_INTERVAL',
    default: 30,
    min: 5,
    max: 300,
    unit: 's',
    doc: 'Pause between two rounds of health checks.',
  })
  readonly intervalSec!: number;

  @Int({
    env: 'MCP_HEALTH_TIMEOUT',
    default: 10,
    min: 1,
    max: 60,
    unit: 's',
    doc: 'Time that one health check gets; one that takes longer counts as unhealthy.',
  })
  readonly timeoutSec!: number;

  @Int({
    env: 'MCP_HEALTH_CPU_THRESHOLD',
    default: 80,
    min: 0,
    max: 100,
    unit: '%',
    doc: 'Load of all processors above which health is degraded.',
  })
  readonly cpuPercent!: number;

  @Int({
    env: 'MCP_HEALTH_MEMORY_THRESHOLD',
    default: 80,
    min: 0,
    max: 100,
    unit: '%',
    doc: 'Used memory, of the container where it has a limit, above which health is degraded.',
  })
  readonly memoryPercent!: number;

  @Int({
    env: 'MCP_HEALTH_DISK_THRESHOLD',
    default: 80,
    min: 0,
    max: 100,
    unit: '%',
    doc: 'Used space of the disk with the state folder above which health is degraded.',
  })
  readonly diskPercent!: number;

  @List({
    env: 'MCP_HEALTH_DEPENDENCIES',
    default: [],
    format: 'dependency',
    doc: 'What the tools need: an http(s) URL that has to answer, host:port that has to accept, or a program that has to be on PATH.',
  })
  readonly dependencies!: readonly string[];

  @Enum({
    env: 'MCP_HEALTH_DEGRADED_CODE',
    default: '207',
    values: ['207', '200'],
    doc: 'Status of /health while it is degraded; 200 for load balancers that take nothing else.',
  })
  readonly degradedCode!: '207' | '200';
}
