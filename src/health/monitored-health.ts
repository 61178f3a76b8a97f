import { Injectable } from '@nestjs/common';
import { Authenticator } from '../auth/index.js';
import { VERSION } from '../common/index.js';
import { AppConfig, hostEnvironment } from '../config/index.js';
import { Instruments } from '../metrics/index.js';
import { type CheckReport, HealthMonitor } from './health-monitor.js';
import { type HealthReport, HealthReporter } from './health-reporter.js';

/** Where MCP is served, as the HTTP door has it. */
const MCP_ENDPOINT = '/mcp';
/** The door whose connections are no clients, and do not count for `maxConnections`. */
const UNCAPPED = 'http';

/** Says how the server does (S4-3, S3-15, S2-30). */
@Injectable()
export class MonitoredHealth extends HealthReporter {
  constructor(
    private readonly monitor: HealthMonitor,
    private readonly config: AppConfig,
    private readonly authenticator: Authenticator,
    private readonly instruments: Instruments,
  ) {
    super();
  }

  /** What is for everyone names no tool, version or machine: a stranger learns that it runs, and how well. */
  override async report(): Promise<HealthReport> {
    const round = await this.monitor.current();
    const { status, at, checks, summary } = round;
    const { server, limits } = this.config;
    const brief = {
      status,
      timestamp: new Date(at).toISOString(),
      transport: server.transports.join(','),
      summary,
    };
    const full = {
      ...brief,
      uptime: Math.round(process.uptime()),
      version: VERSION,
      environment: hostEnvironment()['NODE_ENV'] ?? 'production',
      mcpEndpoint: MCP_ENDPOINT,
      authEnabled: this.authenticator.isRequired,
      connections: this.connections(() => true),
      activeConnections: this.connections((door) => door !== UNCAPPED),
      maxConnections: limits.maxConnections,
      checks: Object.fromEntries(Object.entries(checks).map(([name, check]) => [name, checkView(check)])),
      history: this.monitor.history.map((past) => ({
        timestamp: new Date(past.at).toISOString(),
        status: past.status,
      })),
    };
    return { status, full, brief };
  }

  private connections(isCounted: (door: string | undefined) => boolean): number {
    const family = this.instruments.families.find(({ name }) => name === 'mcp_connections_active');
    const counted = (family?.samples() ?? []).filter(({ labels }) => isCounted(labels['door']));
    return counted.reduce((sum, { value }) => sum + value, 0);
  }
}

function checkView({ status, priority, message, durationMs, details }: CheckReport): Record<string, unknown> {
  return { ...details, status, priority, ...(message !== undefined && { message }), duration_ms: durationMs };
}
