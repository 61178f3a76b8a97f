import { Injectable } from '@nestjs/common';
import { Clock } from '../../common/index.js';
import { isProgramInstalled, type RegisteredTool, ToolRegistry } from '../../tools/index.js';
import { type HealthFinding, type HealthIndicator } from '../health-indicators.js';

/** The tools that are switched on: whether their programs are there, and what their breakers say (S4-41). */
@Injectable()
export class ToolIndicators {
  constructor(
    private readonly registry: ToolRegistry,
    private readonly clock: Clock,
  ) {}

  /** One for all programs, and one for each tool: a broken tool among many does not degrade the whole. */
  list(): readonly HealthIndicator[] {
    const tools = this.registry.enabled();
    const programs = [...new Set(tools.flatMap((tool) => tool.programs))];
    return [
      { name: 'tools', priority: 'HIGH', check: () => availability(programs) },
      ...tools.map((tool): HealthIndicator => ({
        name: `tool_${tool.name}`,
        priority: 'MEDIUM',
        check: () => this.check(tool),
      })),
    ];
  }

  private async check({ programs, breaker, bulkhead }: RegisteredTool): Promise<HealthFinding> {
    const state = breaker.stateAt(this.clock.monotonic());
    const details = { breaker: state, running: bulkhead.runningCount, waiting: bulkhead.waitingCount };
    const missing = await missingOf(programs);
    if (missing.length > 0) return { status: 'unhealthy', message: notInstalled(missing), details };
    if (state === 'closed') return { status: 'healthy', details };
    return { status: 'degraded', message: `Its circuit breaker is ${state.replace('_', ' ')}`, details };
  }
}

async function availability(programs: readonly string[]): Promise<HealthFinding> {
  const missing = await missingOf(programs);
  const details = { programs: programs.length, missing };
  if (missing.length === 0) return { status: 'healthy', details };
  return { status: 'unhealthy', message: notInstalled(missing), details };
}

async function missingOf(programs: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(programs.map(isProgramInstalled));
  return programs.filter((_program, at) => !found[at]);
}

function notInstalled(missing: readonly string[]): string {
  return `Not installed: ${missing.join(', ')}`;
}
